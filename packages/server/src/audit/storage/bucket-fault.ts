import { TrustError } from '@talosprotocol/protocol';

/** What an answer of an object store, or the lack of one, means. */
export type BucketFault =
  /** There is no such object. */
  | 'absent'
  /** A conditional write found something there. */
  | 'present'
  /** The store does not know conditional writes. */
  | 'unconditional'
  /** Worth another try: 5xx, throttled, cut off, too late. */
  | 'passing'
  /** Will be answered so again. */
  | 'lasting';

const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** Faults of the settings or the permissions, with what helps. */
const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'make the bucket, or correct audit.storage.s3.bucket in talos.yaml',
  PermanentRedirect: 'the bucket is in another region: correct audit.storage.s3.region in talos.yaml',
  AuthorizationHeaderMalformed:
    'the region may be another one: correct audit.storage.s3.region in talos.yaml',
  AccessDenied:
    'the credentials need GetObject, PutObject, DeleteObject and ListBucket: without the last one S3 answers 403 for what is not there',
  InvalidAccessKeyId: 'correct TALOS_S3_ACCESS_KEY_ID and TALOS_S3_SECRET_ACCESS_KEY',
  SignatureDoesNotMatch: 'correct TALOS_S3_ACCESS_KEY_ID and TALOS_S3_SECRET_ACCESS_KEY',
  ExpiredToken: 'the credentials have expired: give new ones and start again',
  CredentialsProviderError: 'set TALOS_S3_ACCESS_KEY_ID and TALOS_S3_SECRET_ACCESS_KEY',
  RequestTimeTooSkewed: "the clocks of this machine and of the store differ: set this machine's",
};

/** The name and status of what the client library threw; nothing else of it is kept, since requests hang on it. */
interface Answer {
  readonly name: string;
  readonly status: number | undefined;
}

function answerOf(error: unknown): Answer {
  const { name, $metadata, Code } = Object(error) as {
    name?: unknown;
    Code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const said = [Code, name].find((text) => typeof text === 'string' && text !== 'Error');
  return { name: typeof said === 'string' ? said : 'Error', status: $metadata?.httpStatusCode };
}

/** Sorts what the client library threw. */
export function bucketFault(error: unknown): BucketFault {
  const { name, status } = answerOf(error);
  if (name === 'NoSuchBucket') return 'lasting';
  if (ABSENT.has(name) || status === 404) return 'absent';
  if (status === 412) return 'present';
  if (status === 501) return 'unconditional';
  if (name === 'CredentialsProviderError') return 'lasting';
  if (status === undefined || status >= 500 || status === 429 || status === 408 || status === 409)
    return 'passing';
  // An answer of 2xx whose body broke off.
  return status < 300 || name === 'RequestTimeout' ? 'passing' : 'lasting';
}

/** What a caller is told. Neither credentials nor headers are in it. */
export function bucketError(action: string, error: unknown): TrustError {
  const { name, status } = answerOf(error);
  const said = status === undefined ? name : `${status} ${name}`;
  const hint = HINTS[name] ?? (status === 403 ? HINTS['AccessDenied'] : undefined);
  return new TrustError(
    'UNAVAILABLE',
    `the object store did not ${action} (${said.slice(0, 96)})`,
    hint === undefined ? {} : { hint },
  );
}
