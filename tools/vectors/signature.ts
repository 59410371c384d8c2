import { createHash } from 'node:crypto';
import { b64, b64url, hex, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { AGENT, GATEWAY, NOW, STRANGER, SUB_AGENT, TWO } from './chain.js';
import type { Party } from './keys.js';

const RID = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const BODY = '{"id":1,"jsonrpc":"2.0","method":"tools/list"}';
const NONCE = b64url(sha256('signature nonce'));
const MINIMUM = ['@method', '@target-uri', 'content-digest', 'talos-capability'];

const digest = (body: string): string => `sha-256=:${b64(sha256(body))}:`;
const sha512 = (body: string): string => `sha-512=:${b64(createHash('sha512').update(body).digest())}:`;

interface Wish {
  readonly covered?: readonly string[];
  readonly params?: Readonly<Record<string, string>>;
  readonly more?: Readonly<Record<string, string>>;
  readonly scheme?: string;
  readonly signer?: Party;
  readonly digest?: string;
  /** Given, but signed as they were before. */
  readonly after?: Members;
}

function paramsOf(changes: Readonly<Record<string, string>> = {}): string {
  const all: Readonly<Record<string, string>> = {
    created: String(NOW),
    expires: String(NOW + 60),
    nonce: `"${NONCE}"`,
    keyid: `"${SUB_AGENT.did}"`,
    tag: '"talos-pop"',
    ...changes,
  };
  return Object.entries(all)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `;${name}=${value}`)
    .join('');
}

/** The signature base is put together from text here, not by a parser (RFC 9421 section 2.5). */
function signed(wish: Wish = {}): { given: Members; hash: string } {
  const { covered = MINIMUM, more = {}, scheme = 'https', signer = SUB_AGENT } = wish;
  const headers: Readonly<Record<string, string>> = {
    'content-digest': wish.digest ?? digest(BODY),
    'talos-capability': TWO,
    ...more,
  };
  const values: Readonly<Record<string, string>> = {
    '@method': 'POST',
    '@target-uri': `${scheme}://gateway.example/mcp?a=1`,
    '@authority': 'gateway.example',
    '@path': '/mcp',
    '@query': '?a=1',
    '@request-target': '/mcp?a=1',
    '@scheme': scheme,
    ...headers,
  };
  const input = `(${covered.map((name) => `"${name}"`).join(' ')})${paramsOf(wish.params)}`;
  const base = [...covered.map((name) => `"${name}": ${values[name]}`), `"@signature-params": ${input}`].join(
    '\n',
  );
  const signature = signer.sign(base);
  const fields = { ...headers, 'signature-input': `sig=${input}`, signature: `sig=:${b64(signature)}:` };
  const request = { method: 'POST', host: 'gateway.example', target: '/mcp?a=1', body: BODY };
  const context = { gateway: GATEWAY.did, now: NOW, holder: SUB_AGENT.did, nonce: NONCE };
  const given = { ...context, ...request, raw: Object.entries(fields).flat(), ...wish.after };
  return { given, hash: hex(sha256(base, signature)) };
}

export function messageSignatureNoun(): Noun {
  const n = createNoun(
    'message-signature',
    'a request with method, host, target, body (text) and raw headers, names and values in turn, arrives at now; its signature proves possession for the chain in talos-capability, whose holder is given (SES-15); nonce is the one that is open. expect.rid is the logical call or null, expect.hash is signature_hash of AUD-5.',
  );
  const ok = (id: string, note: string, wish: Wish, rid: string | null = null): void => {
    const { given, hash } = signed(wish);
    n.ok(id, 'SES-15', note, given, { rid, hash });
  };
  ok('good', 'a signature', {});
  ok('http', 'over http', { scheme: 'http' });
  ok('alg', 'names its algorithm', { params: { alg: '"ed25519"' } });
  ok('sha-512', 'another digest', { digest: sha512(BODY) });
  ok('both-digests', 'both digests, and one that is not known', {
    digest: `${digest(BODY)}, md5=:AAAA:, ${sha512(BODY)}`,
  });
  ok('order', 'components in another order', { covered: [...MINIMUM].reverse() });
  ok('later', 'at the last moment', { after: { now: NOW + 59 } });
  ok('earlier', 'created 60 s ahead', { after: { now: NOW - 60 } });
  const more = { 'content-type': 'application/json', 'mcp-method': 'tools/list', 'talos-rid': RID };
  const derived = ['@authority', '@path', '@query', '@request-target', '@scheme'];
  ok(
    'all',
    'everything that may be covered',
    { more, covered: [...MINIMUM, ...derived, ...Object.keys(more)] },
    RID,
  );

  const no = (id: string, wish: Wish, code = 'PROOF_INVALID') =>
    n.no(id, 'SES-15', id, signed(wish).given, code);
  for (const name of MINIMUM)
    no(`without-${name.replace('@', '')}`, { covered: MINIMUM.filter((other) => other !== name) });
  for (const name of ['content-type', 'mcp-name', 'mcp-session-id', 'last-event-id'])
    no(`uncovered-${name}`, { more: { [name]: 'x' } });
  no('uncovered-rid', { more: { 'talos-rid': RID } });
  for (const name of ['created', 'expires', 'nonce', 'keyid', 'tag'])
    no(`no-${name}`, { params: { [name]: '' } });
  no('other-tag', { params: { tag: '"web-bot-auth"' } });
  no('other-alg', { params: { alg: '"hmac-sha256"' } });
  no('other-nonce', { params: { nonce: `"${b64url(sha256('other'))}"` } });
  no('too-long', { params: { expires: String(NOW + 61) } });
  no('backwards', { params: { expires: String(NOW) } });
  no('expired', { after: { now: NOW + 60 } });
  no('ahead', { after: { now: NOW - 61 } });
  no('keyid-of-parent', { params: { keyid: `"${AGENT.did}"` } });
  no('keyid-of-stranger', { params: { keyid: `"${STRANGER.did}"` }, signer: STRANGER });
  no('signed-by-parent', { signer: AGENT });
  no('signed-by-stranger', { signer: STRANGER });
  no('other-method', { after: { method: 'PUT' } });
  no('other-target', { after: { target: '/mcp?a=2' } });
  no('other-host', { after: { host: 'other.example' } });
  no('other-body', { after: { body: `${BODY} ` } });
  no('other-digest', { digest: digest('') });
  no('one-digest-wrong', { digest: `${digest(BODY)}, ${sha512('')}` });
  no('other-component', { covered: [...MINIMUM, 'x-other'], more: { 'x-other': '1' } }, 'MALFORMED');
  no('component-twice', { covered: [...MINIMUM, '@method'] }, 'MALFORMED');
  no('unknown-parameter', { params: { aud: '"x"' } }, 'MALFORMED');
  no('created-text', { params: { created: `"${NOW}"` } }, 'MALFORMED');
  no('created-fraction', { params: { created: `${NOW}.5` } }, 'MALFORMED');
  no(
    'rid-v4',
    { more: { 'talos-rid': RID.replace('-7c', '-4c') }, covered: [...MINIMUM, 'talos-rid'] },
    'MALFORMED',
  );
  no('digest-of-md5', { digest: 'md5=:AAAA:' }, 'MALFORMED');
  no('digest-url-alphabet', { digest: 'sha-256=:-_-_:' }, 'MALFORMED');
  return n.done();
}
