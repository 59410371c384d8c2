import { createHmac, verify as verifySignature } from 'node:crypto';
import {
  decodeBase64url,
  formatSignatureBase,
  type HttpRequestMessage,
  parseContentDigest,
  parseMessageSignatures,
  verifyContentDigest,
  verifyWebBotAuth,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

const crypto = createNodeCrypto();
const folder = standardsFolder();

interface Appendix {
  readonly keys: Readonly<Record<string, { readonly x?: string; readonly k_base64?: string }>>;
  readonly messages: Readonly<Record<string, string>>;
  readonly cases: Readonly<Record<string, { readonly signature_base: string; readonly headers: string }>>;
}

interface BotCase {
  readonly key: { readonly kty: string; readonly x?: string };
  readonly target_url: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly signature: string;
  readonly signature_input: string;
  readonly signature_agent?: string;
}

const rawHeaders = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);

function requestOf(text: string, more: string): { message: HttpRequestMessage; body: string } {
  const [head = '', body = ''] = text.split('\n\n');
  const [first = '', ...lines] = head.split('\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = rawHeaders([...lines, ...more.split('\n')]);
  return { message: { method, target, scheme: 'https', authority: 'example.com', headers }, body };
}

const fieldOf = (name: string, headers: readonly string[]): string =>
  headers[headers.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === name) + 1]?.trim() ?? '';

describe.skipIf(folder === undefined)('RFC 9421 appendix B (skipped without ../shared/vectors)', () => {
  const data = folder === undefined ? undefined : readStandard<Appendix>('standards/rfc9421/appendix-b.json');
  const names = Object.keys(data?.cases ?? {});

  it('has its cases', () => expect(names.length).toBeGreaterThanOrEqual(3));

  it.each(names)('%s: the signature base, byte by byte (SES-15)', (name) => {
    const { cases, messages, keys } = data as Appendix;
    const { signature_base, headers } = cases[name] as Appendix['cases'][string];
    const { message } = requestOf(messages['test-request'] as string, headers);
    const [one] = parseMessageSignatures(
      fieldOf('signature-input', message.headers),
      fieldOf('signature', message.headers),
    );
    if (one === undefined) throw new Error('no signature');
    const base = formatSignatureBase(one.input, message);
    expect(base).toBe(signature_base);
    const bytes = new TextEncoder().encode(base);
    if (one.parameters.keyid === 'test-key-ed25519') {
      const key = decodeBase64url(keys['test-key-ed25519']?.x ?? '');
      expect(crypto.ed25519Verify(one.signature, bytes, key)).toBe(true);
      expect(crypto.ed25519Verify(one.signature, bytes.subarray(1), key)).toBe(false);
    }
    if (one.parameters.keyid === 'test-shared-secret') {
      const secret = Buffer.from(keys['test-shared-secret']?.k_base64 ?? '', 'base64');
      expect(Buffer.from(one.signature)).toEqual(createHmac('sha256', secret).update(bytes).digest());
    }
    if (one.parameters.keyid === 'test-key-rsa-pss') {
      const key = {
        key: keys['test-key-rsa-pss'] as never,
        format: 'jwk' as const,
        padding: 6,
        saltLength: 64,
      };
      expect(verifySignature('sha512', bytes, key, one.signature)).toBe(true);
    }
  });

  it('the content digest of its message (RFC 9530)', () => {
    const { message, body } = requestOf((data as Appendix).messages['test-request'] as string, 'x: y');
    const digest = parseContentDigest(fieldOf('content-digest', message.headers));
    expect(() => verifyContentDigest(digest, new TextEncoder().encode(body), crypto)).not.toThrow();
    expect(() => verifyContentDigest(digest, new TextEncoder().encode(`${body} `), crypto)).toThrow(
      expect.objectContaining({ code: 'PROOF_INVALID' }),
    );
  });
});

describe.skipIf(folder === undefined)('Web Bot Auth (SES-16; skipped without ../shared/vectors)', () => {
  const cases = folder === undefined ? [] : readStandard<BotCase[]>('standards/rfc9421/web-bot-auth-v1.json');

  it.each(cases.map((one, index) => [`${index + 1} (${one.key.kty})`, one] as const))('case %s', (_, one) => {
    const url = new URL(one.target_url);
    const agent = one.signature_agent === undefined ? [] : ['Signature-Agent', one.signature_agent];
    const headers = ['Signature-Input', one.signature_input, 'Signature', one.signature, ...agent];
    const message = {
      method: 'GET',
      scheme: 'https',
      authority: url.host,
      target: url.pathname,
      headers,
    } as const;
    const key = one.key.kty === 'OKP' ? decodeBase64url(one.key.x ?? '') : undefined;
    const at = (now: number) => () => verifyWebBotAuth(message, { now, crypto, findKey: () => key });
    const created = one.created_ms / 1000;
    if (key === undefined)
      return expect(at(created)).toThrow(expect.objectContaining({ code: 'PROOF_INVALID' }));
    expect(at(created)()).toMatchObject({ created, expires: one.expires_ms / 1000 });
    expect(at(created)().agent).toBe(one.signature_agent?.slice(1, -1));
    expect(at(one.expires_ms / 1000)).toThrow(expect.objectContaining({ code: 'EXPIRED' }));
    const elsewhere = { ...message, authority: 'example.net' };
    expect(() => verifyWebBotAuth(elsewhere, { now: created, crypto, findKey: () => key })).toThrow(
      expect.objectContaining({ code: 'PROOF_INVALID' }),
    );
  });
});
