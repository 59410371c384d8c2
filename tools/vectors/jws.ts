import { b64url, flip, hex, jcs } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { jws, party } from './keys.js';

const TYP = 'talos-cap+jwt';

export function jwsNoun(): Noun {
  const n = createNoun(
    'jws',
    'jws is read with the expected typ and its signature checked with publicKey, 32 bytes in hex (ENC-10, ID-3); expect.claims is the payload.',
  );
  const signer = party('agent');
  const publicKey = hex(signer.publicKey);
  const claims = { a: 1, b: ['x'] };
  const input = (text: string) => ({ jws: text, typ: TYP, publicKey });
  const good = jws(TYP, claims, signer);
  n.ok('plain', 'ENC-10', 'alg and typ', input(good), { claims });
  n.ok(
    'kid',
    'ENC-10',
    'with kid',
    input(jws(TYP, claims, signer, { kid: 'did:web:a.example#k', typ: TYP, alg: 'EdDSA' })),
    { claims },
  );
  n.ok(
    'not-canonical',
    'ENC-10',
    'a payload with white space',
    input(jws(TYP, claims, signer, undefined, ' { "b" : [ "x" ] , "a" : 1 } ')),
    { claims },
  );
  n.ok('empty', 'ENC-10', 'an empty payload object', input(jws(TYP, {}, signer)), { claims: {} });
  const [head, body, signature] = good.split('.') as [string, string, string];
  const headed = (header: object) => jws(TYP, claims, signer, header as never);
  const bad: [string, string][] = [
    ['empty', ''],
    ['two-parts', `${head}.${body}`],
    ['four-parts', `${good}.`],
    ['no-signature', `${head}.${body}.`],
    ['detached', `${head}..${signature}`],
    ['padding', `${good}==`],
    ['space', ` ${good}`],
    ['line-end', `${good}\n`],
    ['short-signature', good.slice(0, -2)],
    [
      'signature-bits',
      `${good.slice(0, -1)}${signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(85) + 1)}`,
    ],
    ['alg-none', headed({ alg: 'none', typ: TYP })],
    ['alg-ed25519', headed({ alg: 'Ed25519', typ: TYP })],
    ['alg-case', headed({ alg: 'eddsa', typ: TYP })],
    ['alg-es256', headed({ alg: 'ES256', typ: TYP })],
    ['no-alg', headed({ typ: TYP })],
    ['no-typ', headed({ alg: 'EdDSA' })],
    ['typ-other', headed({ alg: 'EdDSA', typ: 'talos-pop+jwt' })],
    ['typ-case', headed({ alg: 'EdDSA', typ: 'Talos-cap+jwt' })],
    ['typ-prefix', headed({ alg: 'EdDSA', typ: `application/${TYP}` })],
    [
      'jwk',
      headed({ alg: 'EdDSA', typ: TYP, jwk: { kty: 'OKP', crv: 'Ed25519', x: b64url(signer.publicKey) } }),
    ],
    ['crit', headed({ alg: 'EdDSA', typ: TYP, crit: ['b64'] })],
    ['cty', headed({ alg: 'EdDSA', typ: TYP, cty: 'json' })],
    ['kid-number', headed({ alg: 'EdDSA', typ: TYP, kid: 1 })],
    ['header-array', headed([])],
    ['payload-array', jws(TYP, [], signer)],
    ['payload-text', jws(TYP, claims, signer, undefined, 'x')],
    ['payload-twice', jws(TYP, claims, signer, undefined, '{"a":1,"a":1}')],
    ['payload-fraction', jws(TYP, claims, signer, undefined, '{"a":1.5}')],
    ['payload-bom', jws(TYP, claims, signer, undefined, '\ufeff{}')],
    [
      'header-twice',
      (() => {
        const i = `${b64url(`{"alg":"none","alg":"EdDSA","typ":"${TYP}"}`)}.${body}`;
        return `${i}.${b64url(signer.sign(i))}`;
      })(),
    ],
    ['json-form', jcs({ protected: head, payload: body, signature })],
  ];
  for (const [id, text] of bad) n.no(id, 'ENC-10', id, input(text), 'MALFORMED');
  const raw = Buffer.from(signature, 'base64url');
  const signed = (bytes: Uint8Array) => input(`${head}.${body}.${b64url(bytes)}`);
  n.no(
    'payload-changed',
    'ENC-8',
    'one bit of the payload turned',
    input(`${head}.${b64url(flip(Buffer.from(body, 'base64url'), 5))}.${signature}`),
    'SIGNATURE_INVALID',
  );
  n.no(
    'header-reordered',
    'ENC-8',
    'the header written in another order',
    input(
      `${b64url(jcs({ alg: 'EdDSA', typ: TYP }).replace(/\{(.*),(.*)\}/, '{$2,$1}'))}.${body}.${signature}`,
    ),
    'SIGNATURE_INVALID',
  );
  n.no(
    'other-key',
    'ENC-10',
    'signed with another key',
    input(jws(TYP, claims, party('stranger'))),
    'SIGNATURE_INVALID',
  );
  n.no('r-changed', 'ID-3', 'one bit of R turned', signed(flip(raw, 0)), 'SIGNATURE_INVALID');
  n.no('s-changed', 'ID-3', 'one bit of S turned', signed(flip(raw, 32)), 'SIGNATURE_INVALID');
  n.no('s-plus-l', 'ID-3', 'S + L, which another rule accepts', signed(plusOrder(raw)), 'SIGNATURE_INVALID');
  n.no('zero', 'ID-3', 'a signature of zeros', signed(Buffer.alloc(64)), 'SIGNATURE_INVALID');
  n.no(
    'small-order-key',
    'ID-3',
    'a public key of small order with R = identity and S = 0',
    {
      ...signed(Buffer.concat([Buffer.from(`01${'00'.repeat(31)}`, 'hex'), Buffer.alloc(32)])),
      publicKey: `01${'00'.repeat(31)}`,
    },
    'SIGNATURE_INVALID',
  );
  return n.done();
}

/** The same signature with S + L in place of S. */
function plusOrder(signature: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${hex(Buffer.from(signature.subarray(32)).reverse())}`) + order;
  const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
  return Buffer.concat([signature.subarray(0, 32), bytes]);
}
