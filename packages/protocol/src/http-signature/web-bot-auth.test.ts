import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { createSigner } from '../identity/signer.js';
import { encodeBase64 } from '../log/base64.js';
import { formatSignatureBase } from './signature-base.js';
import type { InnerList } from './structured-field.js';
import { parseFieldList } from './structured-field-parser.js';
import { ed25519Thumbprint, verifyWebBotAuth } from './web-bot-auth.js';

const bot = createSigner(new Uint8Array(32).fill(5), portableCrypto);
const keyid = ed25519Thumbprint(bot.publicKey, portableCrypto);
const NOW = 1_700_000_000;
const AGENT = 'https://bot.example';
const DICTIONARY = `other="https://other.example", me="${AGENT}";x, list=(1), flag`;

interface Wish {
  readonly covered?: string;
  readonly params?: Record<string, string>;
  readonly agent?: string;
  readonly extra?: readonly string[];
}

function signed({ covered = '"@authority"', params = {}, agent, extra = [] }: Wish = {}) {
  const all = {
    created: `${NOW}`,
    expires: `${NOW + 3600}`,
    keyid: `"${keyid}"`,
    tag: '"web-bot-auth"',
    ...params,
  };
  const stated = Object.entries(all).filter(([, value]) => value !== '');
  const input = `(${covered})${stated.map(([name, value]) => `;${name}=${value}`).join('')}`;
  const headers = [...(agent === undefined ? [] : ['Signature-Agent', agent]), ...extra];
  const message = {
    method: 'GET',
    scheme: 'https',
    authority: 'Site.example:443',
    target: '/',
    headers,
  } as const;
  const [inner] = parseFieldList(input);
  const signature = bot.sign(encodeUtf8(formatSignatureBase(inner as InnerList, message)));
  const fields = ['Signature-Input', `s=${input}`, 'Signature', `s=:${encodeBase64(signature)}:`];
  return { ...message, headers: [...headers, ...fields] };
}

const verify = (message: ReturnType<typeof signed>, key: Uint8Array | undefined = bot.publicKey, now = NOW) =>
  verifyWebBotAuth(message, { now, crypto: portableCrypto, findKey: () => key });

const code = (value: string) => expect.objectContaining({ code: value });

describe('Web Bot Auth (SES-16)', () => {
  it('says who sends the request', () => {
    expect(verify(signed())).toEqual({ keyid, created: NOW, expires: NOW + 3600 });
    expect(
      verify(signed({ covered: '"@target-uri"', params: { nonce: '"n"', alg: '"ed25519"' } })),
    ).toMatchObject({
      nonce: 'n',
    });
  });

  it('reads a signature-agent of either draft', () => {
    const plain = { agent: `"${AGENT}"`, covered: '"@authority" "signature-agent"' };
    expect(verify(signed(plain)).agent).toBe(AGENT);
    const keyed = { agent: DICTIONARY, covered: '"@authority" "signature-agent";key="me"' };
    expect(verify(signed(keyed)).agent).toBe(AGENT);
  });

  it.each<[string, Wish, string]>([
    ['another tag', { params: { tag: '"talos-pop"' } }, 'NO_CAPABILITY'],
    ['no created', { params: { created: '' } }, 'PROOF_INVALID'],
    ['no expires', { params: { expires: '' } }, 'PROOF_INVALID'],
    ['no keyid', { params: { keyid: '' } }, 'PROOF_INVALID'],
    ['another alg', { params: { alg: '"rsa-pss-sha512"' } }, 'PROOF_INVALID'],
    ['an end before its beginning', { params: { expires: `${NOW}` } }, 'PROOF_INVALID'],
    ['a life of more than a day', { params: { expires: `${NOW + 86_401}` } }, 'PROOF_INVALID'],
    ['neither authority nor target', { covered: '"@method" "@path"' }, 'PROOF_INVALID'],
    ['a signature-agent it does not cover', { agent: `"${AGENT}"` }, 'PROOF_INVALID'],
    [
      'a signature-agent it covers twice',
      { agent: DICTIONARY, covered: '"@authority" "signature-agent";key="me" "signature-agent";key="other"' },
      'PROOF_INVALID',
    ],
    [
      'a signature-agent that is no string',
      { agent: 'token', covered: '"@authority" "signature-agent"' },
      'MALFORMED',
    ],
    [
      'a member of signature-agent that is a list',
      { agent: DICTIONARY, covered: '"@authority" "signature-agent";key="list"' },
      'MALFORMED',
    ],
    [
      'a member of signature-agent that is no string',
      { agent: DICTIONARY, covered: '"@authority" "signature-agent";key="flag"' },
      'MALFORMED',
    ],
    ['a keyid of another key', { params: { keyid: '"x"' } }, 'PROOF_INVALID'],
  ])('is refused with %s', (_, wish, expected) => {
    expect(() => verify(signed(wish))).toThrow(code(expected));
  });

  it('is refused with a key parameter that is no string', () => {
    const message = signed({ agent: DICTIONARY, covered: '"@authority" "signature-agent";key="me"' });
    const headers = message.headers.map((value) => value.replace('key="me"', 'key=me'));
    expect(() => verify({ ...message, headers })).toThrow(code('MALFORMED'));
  });

  it('is refused before and after its time, for an unknown key, and for another site', () => {
    expect(() => verify(signed(), bot.publicKey, NOW - 61)).toThrow(code('NOT_YET_VALID'));
    expect(() => verify(signed(), bot.publicKey, NOW + 3600)).toThrow(code('EXPIRED'));
    const findKey = () => undefined;
    expect(() => verifyWebBotAuth(signed(), { now: NOW, crypto: portableCrypto, findKey })).toThrow(
      code('PROOF_INVALID'),
    );
    expect(() => verify({ ...signed(), authority: 'other.example' } as never)).toThrow(code('PROOF_INVALID'));
  });

  it('is nothing without a signature, and one alone', () => {
    expect(() => verify({ ...signed(), headers: [] })).toThrow(code('NO_CAPABILITY'));
    const headers = [
      'signature-input',
      'a=();tag="web-bot-auth", b=();tag="web-bot-auth"',
      'signature',
      'a=:AA==:, b=:AA==:',
    ];
    expect(() => verify({ ...signed(), headers })).toThrow(code('MALFORMED'));
  });
});
