import { generateKeyPairSync, sign } from 'node:crypto';

/** A certificate and its key, both PEM. */
export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

const ED25519 = der(0x30, Buffer.from('06032b6570', 'hex'));

/** Makes a certificate for one host name, good from 2000 to 2100, signed by its own fresh key (RFC 5280, RFC 8410). */
export function createSelfSigned(host: string): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const name = der(
    0x30,
    der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(host)))),
  );
  const validity = der(
    0x30,
    der(0x17, Buffer.from('000101000000Z')),
    der(0x18, Buffer.from('21000101000000Z')),
  );
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ED25519,
    name,
    validity,
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, der(0x30, subjectAltName(host))),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign(null, body, privateKey)]);
  return {
    cert: pem('CERTIFICATE', der(0x30, body, ED25519, der(0x03, signature))),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

function subjectAltName(host: string): Buffer {
  const names = der(0x30, der(0x82, Buffer.from(host)));
  return der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, names));
}

/** One DER value of at most 65,535 bytes. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
