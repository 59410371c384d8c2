import type { BucketSettings } from '@talosprotocol/contracts';
import type { BucketCredentials } from '../../platform/settings.js';
import { tooLong } from './log-files.js';

/** Single requests to a bucket, each within a time; they throw what the client library throws. */
export interface BucketClient {
  get(key: string, maxBytes: number): Promise<Uint8Array>;
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<void>;
  /** Keys below a prefix, at most 1,000. */
  list(prefix: string): Promise<readonly string[]>;
  remove(key: string): Promise<void>;
}

export interface PutOptions {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Asks the store to refuse if something is there. */
  readonly onlyNew: boolean;
}

const CONNECT_MS = 2_000;
const SOCKETS = 32;

/** Speaks the S3 API. The library is loaded here and nowhere else, so that whoever keeps a log in a folder never loads it. */
export async function createBucketClient(
  settings: BucketSettings,
  credentials: BucketCredentials | undefined,
  requestMs: number,
): Promise<BucketClient> {
  const s3 = await import('@aws-sdk/client-s3');
  const { bucket: Bucket, endpoint, region = 'us-east-1' } = settings;
  const agent = { maxSockets: SOCKETS, keepAlive: true };
  const client = new s3.S3Client({
    region,
    // Servers besides Amazon's have no name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials: () => Promise.resolve(revealed(credentials)) }),
    // Tries are counted where what was read is checked as well.
    maxAttempts: 1,
    // Servers besides Amazon's may not know the newer checksums; what was written is read back instead.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS, httpAgent: agent, httpsAgent: agent },
  });
  const within = () => ({ abortSignal: AbortSignal.timeout(requestMs) });
  return {
    get: async (Key, maxBytes) => {
      const { abortSignal } = within();
      const { Body, ContentLength } = await client.send(new s3.GetObjectCommand({ Bucket, Key }), {
        abortSignal,
      });
      return readBody(Body as AsyncIterable<Uint8Array>, { Key, ContentLength, maxBytes, abortSignal });
    },
    put: async (Key, Body, { contentType, cacheControl, onlyNew }) => {
      const condition = onlyNew ? { IfNoneMatch: '*' } : {};
      const input = { Bucket, Key, Body, ContentType: contentType, CacheControl: cacheControl, ...condition };
      await client.send(new s3.PutObjectCommand(input), within());
    },
    list: async (Prefix) => {
      const { Contents = [] } = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix }), within());
      return Contents.flatMap(({ Key }) => Key ?? []);
    },
    remove: async (Key) => {
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key }), within());
    },
  };
}

function revealed({ accessKeyId, secretAccessKey, sessionToken }: BucketCredentials) {
  return {
    accessKeyId: accessKeyId.reveal(),
    secretAccessKey: secretAccessKey.reveal(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
  };
}

interface Reading {
  readonly Key: string;
  readonly ContentLength: number | undefined;
  readonly maxBytes: number;
  readonly abortSignal: AbortSignal;
}

/** Never more than may be there, and not for longer than a request may take. */
async function readBody(
  body: AsyncIterable<Uint8Array> & { destroy?: () => void },
  { Key, ContentLength, maxBytes, abortSignal }: Reading,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const cut = (): void => body.destroy?.();
  abortSignal.addEventListener('abort', cut, { once: true });
  try {
    for await (const chunk of body) {
      length += chunk.length;
      if (length > maxBytes) throw tooLong(Key, ContentLength ?? length);
      chunks.push(chunk);
    }
  } finally {
    abortSignal.removeEventListener('abort', cut);
  }
  // A store that lies about the length is not told from one that lies about the rest: whoever reads proves it.
  if (abortSignal.aborted || (ContentLength !== undefined && length !== ContentLength)) {
    throw Object.assign(new Error('the body broke off'), { name: 'IncompleteBody' });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
