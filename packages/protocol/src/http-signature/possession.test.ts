import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { createUuidv7 } from '../encoding/uuid.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { encodeBase64 } from '../log/base64.js';
import { parsePossession, type SchemelessRequest, verifyPossession, verifySignedBody } from './possession.js';
import { formatSignatureBase } from './signature-base.js';
import type { InnerList } from './structured-field.js';
import { parseFieldList } from './structured-field-parser.js';

const agent = createSigner(new Uint8Array(32).fill(1), portableCrypto);
const other = createSigner(new Uint8Array(32).fill(2), portableCrypto);
const holder = didKeyKeys(agent.did);
const NOW = 1_700_000_000;
const BODY = '{"jsonrpc":"2.0"}';
const RID = createUuidv7(NOW * 1000, new Uint8Array(16).fill(9));
const digestOf = (body: string) => `sha-256=:${encodeBase64(portableCrypto.sha256(encodeUtf8(body)))}:`;
const MINIMUM = '"@method" "@target-uri" "content-digest" "talos-capability"';
const NONCE = 'N'.repeat(54);

interface Wish {
  readonly covered?: string;
  readonly params?: string;
  readonly headers?: readonly string[];
  readonly scheme?: 'https' | 'http';
  readonly signer?: typeof agent;
  readonly label?: string;
  readonly digest?: string;
  /** More signatures beside it: input and signature. */
  readonly beside?: readonly [string, string];
}

const paramsOf = (change: Record<string, string> = {}): string => {
  const params = {
    created: String(NOW),
    expires: String(NOW + 60),
    nonce: `"${NONCE}"`,
    keyid: `"${agent.did}"`,
    tag: '"talos-pop"',
    ...change,
  };
  return Object.entries(params)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `;${name}=${value}`)
    .join('');
};

/** A request with a signature as an agent would make it, or as somebody would who does it wrong on purpose. */
function signed(wish: Wish = {}): SchemelessRequest {
  const { covered = MINIMUM, params = paramsOf(), scheme = 'https', signer = agent, label = 'sig' } = wish;
  const headers = [
    ...['Host', 'gateway.example', 'Content-Digest', wish.digest ?? digestOf(BODY)],
    ...['Talos-Capability', 'a.b.c', ...(wish.headers ?? [])],
  ];
  const request = { method: 'POST', authority: 'gateway.example', target: '/mcp?a=1', headers };
  const input = `(${covered})${params}`;
  const [inner] = parseFieldList(input);
  const base = formatSignatureBase(inner as InnerList, { ...request, scheme });
  const signature = encodeBase64(signer.sign(encodeUtf8(base)));
  const [more, moreSigned] = wish.beside ?? ['', ''];
  const fields = [
    ...['Signature-Input', `${label}=${input}${more}`],
    ...['Signature', `${label}=:${signature}:${moreSigned}`],
  ];
  return { ...request, headers: [...headers, ...fields] };
}

function verify(request: SchemelessRequest, change: { now?: number; body?: string } = {}): readonly string[] {
  const consumed: string[] = [];
  const crypto = portableCrypto;
  try {
    const proven = verifyPossession(parsePossession(request.headers), request, {
      now: change.now ?? NOW,
      crypto,
      holder,
    });
    expect(proven.hash).toMatch(/^[0-9a-f]{64}$/);
    const consumeNonce = (nonce: string) => void consumed.push(nonce);
    verifySignedBody(proven, encodeUtf8(change.body ?? BODY), { crypto, consumeNonce });
    return consumed;
  } catch (error) {
    expect(consumed).toEqual([]); // nobody may use up the nonce with a bad signature
    throw error;
  }
}

const invalid = (caveat: string) =>
  expect.objectContaining({ code: 'PROOF_INVALID', data: expect.objectContaining({ caveat }) });
const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('possession by a message signature (SES-15)', () => {
  it.each(['https', 'http'] as const)('holds for its request over %s and uses its nonce up', (scheme) => {
    expect(verify(signed({ scheme }))).toEqual([NONCE]);
  });

  it('may cover more of the closed list, name its algorithm, and give the rid', () => {
    const covered = `${MINIMUM} "@authority" "@path" "@query" "@request-target" "content-type" "talos-rid"`;
    const headers = ['Content-Type', ' application/json ', 'Talos-Rid', RID];
    const request = signed({ covered, headers, params: paramsOf({ alg: '"ed25519"' }) });
    expect(verify(request)).toEqual([NONCE]);
    expect(parsePossession(request.headers).rid).toBe(RID);
    expect(parsePossession(signed().headers).rid).toBeUndefined();
  });

  it('may stand beside signatures of others, of which it is no word', () => {
    const beside = [', bot=("@authority");tag="web-bot-auth"', ', bot=:AAAA:'] as const;
    expect(verify(signed({ beside }))).toEqual([NONCE]);
  });

  it.each(['"@method"', '"@target-uri"', '"content-digest"', '"talos-capability"'])(
    'is nothing without %s',
    (name) => {
      const covered = MINIMUM.replace(name, '').trim().replace('  ', ' ');
      expect(() => verify(signed({ covered }))).toThrow(invalid(name.slice(1, -1)));
    },
  );

  it.each(['content-type', 'mcp-name', 'mcp-session-id', 'last-event-id', 'talos-rid'])(
    'is nothing without %s where admission would read it',
    (name) => {
      const headers = [name, name === 'talos-rid' ? RID : 'x'];
      expect(() => verify(signed({ headers }))).toThrow(invalid(name));
      expect(verify(signed({ headers, covered: `${MINIMUM} "${name}"` }))).toEqual([NONCE]);
    },
  );

  it.each<[string, Record<string, string>, string]>([
    ['created is missing', { created: '' }, 'expires'],
    ['expires is missing', { expires: '' }, 'expires'],
    ['nonce is missing', { nonce: '' }, 'nonce'],
    ['keyid is missing', { keyid: '' }, 'nonce'],
    ['tag is missing', { tag: '' }, 'tag'],
    ['tag is another', { tag: '"web-bot-auth"' }, 'tag'],
    ['it lasts too long', { expires: String(NOW + 61) }, 'expires'],
    ['it ends before it begins', { expires: String(NOW) }, 'expires'],
    ['it was made later', { created: String(NOW + 61), expires: String(NOW + 100) }, 'created'],
    ['it has expired', { created: String(NOW - 60), expires: String(NOW) }, 'expires'],
    ['alg is another', { alg: '"hmac-sha256"' }, 'alg'],
    ['keyid is of somebody else', { keyid: `"${other.did}"` }, 'keyid'],
  ])('is refused when %s', (_, change, caveat) => {
    expect(() => verify(signed({ params: paramsOf(change) }))).toThrow(invalid(caveat));
  });

  it('takes the kid of a key as well as the did:key itself', () => {
    const [key] = holder.keys;
    expect(verify(signed({ params: paramsOf({ keyid: `"${key?.kid}"` }) }))).toEqual([NONCE]);
  });

  it('passes on errors that are no refusals', () => {
    const broken = {
      ...holder,
      keys: {
        find: () => {
          throw new RangeError('boom');
        },
      },
    } as never;
    const request = signed({ params: paramsOf({ keyid: '"x"' }) });
    const ctx = { now: NOW, crypto: portableCrypto, holder: broken };
    expect(() => verifyPossession(parsePossession(request.headers), request, ctx)).toThrow(RangeError);
  });

  it.each<[string, Wish]>([
    ['an unknown parameter', { params: paramsOf({ max: '1' }) }],
    ['a parameter of another type', { params: paramsOf({ created: '"1"' }) }],
    ['a fractional time', { params: paramsOf({ created: `${NOW}.5` }) }],
    ['a component with a parameter', { covered: `${MINIMUM} "content-digest";key="sha-256"` }],
    ['a header that is not of the list', { covered: `${MINIMUM} "host"` }],
    ['a rid that is none', { headers: ['talos-rid', 'x'], covered: `${MINIMUM} "talos-rid"` }],
    ['a digest of no known algorithm', { digest: 'md5=:AAAA:' }],
    ['a digest that is too short', { digest: 'sha-256=:AAAA:' }],
    ['a digest that is no bytes', { digest: 'sha-256="x"' }],
    ['a digest that is a list', { digest: 'sha-256=(:AAAA:)' }],
  ])('is malformed with %s', (_, wish) => {
    expect(() => verify(signed(wish))).toThrow(malformed);
  });

  it.each<[string, string, string]>([
    ['no signature of that label', 'sig=();tag="talos-pop"', 'other=:AAAA:'],
    ['a signature too many', 'sig=()', 'sig=:AAAA:, two=:AAAA:'],
    ['an input that is no list', 'sig=1', 'sig=:AAAA:'],
    ['a signature that is no bytes', 'sig=()', 'sig="x"'],
    ['a signature that is a list', 'sig=()', 'sig=(:AAAA:)'],
    ['a label twice', 'sig=(), sig=()', 'sig=:AAAA:'],
    ['a parameter twice', 'sig=();created=1;created=2', 'sig=:AAAA:'],
    ['five signatures', 'a=(), b=(), c=(), d=(), e=()', 'a=:AA==:, b=:AA==:, c=:AA==:, d=:AA==:, e=:AA==:'],
    ['too long an input', `sig=("${'a'.repeat(8192)}")`, 'sig=:AAAA:'],
    ['too long a signature', 'sig=()', `sig=:${'A'.repeat(8192)}:`],
    ['no dictionary', '(', ')'],
  ])('is malformed with %s', (_, input, signature) => {
    const headers = ['content-digest', digestOf(BODY), 'signature-input', input, 'signature', signature];
    expect(() => parsePossession(headers)).toThrow(malformed);
  });

  it('is refused without its headers, with one of them twice, and with two of its kind', () => {
    const { headers } = signed();
    for (const name of ['content-digest', 'signature-input', 'signature']) {
      const at = headers.findIndex((one) => one.toLowerCase() === name);
      expect(() => parsePossession(headers.toSpliced(at, 2))).toThrow(invalid('signature'));
      expect(() => parsePossession([...headers, ...headers.slice(at, at + 2)])).toThrow(malformed);
    }
    const beside = [', two=();tag="talos-pop"', ', two=:AAAA:'] as const;
    expect(() => verify(signed({ beside }))).toThrow(invalid('tag'));
  });

  it('is refused for any other request', () => {
    const request = signed();
    const changes = [
      { method: 'GET' },
      { target: '/mcp' },
      { target: '/mcp?a=2' },
      { authority: 'other.example' },
      { headers: request.headers.map((value) => (value === 'a.b.c' ? 'a.b.d' : value)) },
    ];
    for (const change of changes)
      expect(() => verify({ ...request, ...change })).toThrow(invalid('signature'));
    expect(() => verify(request, { body: `${BODY} ` })).toThrow(invalid('content-digest'));
    expect(() => verify(request, { body: `${BODY} ` })).toThrow(
      expect.objectContaining({
        data: expect.objectContaining({ hint: expect.stringContaining('bytes that are sent') }),
      }),
    );
    expect(() => verify(signed({ signer: other }))).toThrow(invalid('signature'));
  });

  it('checks each digest there is', () => {
    const wrong = `${digestOf(BODY)}, sha-512=:${encodeBase64(new Uint8Array(64))}:`;
    expect(() => verify(signed({ digest: wrong }))).toThrow(invalid('content-digest'));
  });

  it('is refused with any character of its fields altered', () => {
    const good = signed();
    const fields = good.headers.length - 4;
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3),
        fc.nat(400),
        fc.constantFrom(...'AZaz09-_()";=:, '),
        (field, at, sign) => {
          const headers = [...good.headers];
          const text = headers[fields + field] as string;
          const where = at % text.length;
          if (text[where] === sign) return;
          headers[fields + field] = text.slice(0, where) + sign + text.slice(where + 1);
          try {
            verify({ ...good, headers });
            // A space where a structured field has one anyway, or another label, is no other signature.
            expect(text.slice(0, 4) + sign).toMatch(/sig|[ ]/);
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^(MALFORMED|PROOF_INVALID)$/) });
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
