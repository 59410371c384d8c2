import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/** A request to be signed. */
export interface AwsRequest {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly url: string;
  readonly body: Uint8Array;
  /** Unix milliseconds. */
  readonly now: number;
}

/** The headers that show AWS who calls Bedrock (Signature Version 4). */
export async function signForAws({ region, url, body, now, ...credentials }: AwsRequest) {
  // Only who calls AWS loads it.
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({ service: 'bedrock', region, credentials, sha256: Sha256 });
  const { protocol, hostname, host, pathname } = new URL(url);
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol,
      hostname,
      path: pathname,
      headers: { host, 'content-type': 'application/json' },
      body,
    },
    { signingDate: new Date(now) },
  );
  const { host: _, 'content-type': __, ...shown } = headers;
  return shown;
}

/** SHA-256 and its HMAC in the form that the signer takes. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(chunk));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }

  reset(): void {
    throw new TypeError('a hash is made anew');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
