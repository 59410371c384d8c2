import type { Grant, RequestProofClaims } from '@talosprotocol/contracts';
import {
  createSigner,
  encodeBase64,
  encodeBase64url,
  encodeUtf8,
  formatProofAuthorization,
  formatSignatureBase,
  hashSignedHeaders,
  type InnerList,
  issueCapability,
  parseFieldList,
  type SignedHeaders,
  signRequestProof,
} from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clock, random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { nastyServer } from '../mcp/upstream/testing/deps.js';
import { crypto } from '../testing/ports.js';
import { issueKey, newRid, openWorld, type World } from '../testing/world.js';

const { command, args } = nastyServer('plain').run;
const servers = { nasty: { command, args: [...args] } };
const manifests = { nasty: { count: { op: 'write', resources: [] } } } as const;
const grants: Grant[] = [{ scope: 'tool:nasty', ops: ['read', 'write'] }];
const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'nasty__count', arguments: {} },
});

let database: TestDatabase;
let world: World;
const gateway = createSigner(new Uint8Array(32).fill(1), crypto).did;
const organisation = createSigner(new Uint8Array(32).fill(2), crypto);
const agent = createSigner(new Uint8Array(32).fill(9), crypto);
const seconds = () => Math.floor(clock.now() / 1000);
const json: SignedHeaders = { 'content-type': 'application/json' };

beforeAll(async () => {
  database = await openTestDatabase();
  world = await openWorld(database, servers, manifests as never);
});
afterAll(async () => {
  await world?.close();
  await database?.close();
});

const chain = () =>
  issueCapability({ sub: agent.did, aud: [gateway], grants, exp: seconds() + 600 }, organisation, {
    crypto,
    now: seconds,
    randomBytes: random,
  });

async function post(headers: Record<string, string>, body = BODY) {
  const response = await fetch(world.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const answer = (await response.json()) as {
    result?: { content: { text: string }[] };
    error?: { data: { code: string; caveat?: string } };
  };
  const { error, result } = answer;
  return {
    status: response.status,
    code: error?.data.code,
    caveat: error?.data.caveat,
    text: result?.content[0]?.text,
  };
}

function proven(change: Partial<RequestProofClaims> = {}, chained = chain()) {
  const claims = {
    aud: gateway,
    iat: seconds(),
    jti: encodeBase64url(random(12)),
    htm: 'POST',
    htu: world.url,
    cth: chained.cth,
    nonce: world.kernel.nonce(),
    bh: encodeBase64url(crypto.sha256(encodeUtf8(BODY))),
    hh: hashSignedHeaders(json, crypto),
    rid: newRid(),
    ...change,
  };
  const proof = signRequestProof(claims, agent);
  return { 'talos-capability': chained.chain, authorization: formatProofAuthorization(proof) };
}

function signed(headers: Record<string, string> = {}, tag = 'talos-pop') {
  const all: Record<string, string> = {
    'content-type': 'application/json',
    'talos-capability': chain().chain,
    'content-digest': `sha-256=:${encodeBase64(crypto.sha256(encodeUtf8(BODY)))}:`,
    ...headers,
  };
  const { host, pathname } = new URL(world.url);
  const covered = ['@method', '@target-uri', ...Object.keys(all)].map((name) => `"${name}"`).join(' ');
  const now = seconds();
  const params = `;created=${now};expires=${now + 30};nonce="${world.kernel.nonce()}";keyid="${agent.did}";tag="${tag}"`;
  const [input] = parseFieldList(`(${covered})${params}`);
  const message = {
    ...({ method: 'POST', scheme: 'http', authority: host, target: pathname } as const),
    headers: Object.entries(all).flat(),
  };
  const signature = agent.sign(encodeUtf8(formatSignatureBase(input as InnerList, message)));
  return {
    ...all,
    'signature-input': `s=(${covered})${params}`,
    signature: `s=:${encodeBase64(signature)}:`,
  };
}

const lastDecision = () => {
  const event = world.audit.events.findLast(({ type }) => type === 'decision');
  if (event?.type !== 'decision') throw new Error('no decision');
  return event;
};

describe('a call with a proof of its own (SES-13, SES-14)', () => {
  it('is made, and its event keeps the proof', async () => {
    const headers = proven();
    expect(await post(headers)).toMatchObject({ status: 200, text: expect.any(String) });
    const { credential } = lastDecision().members;
    expect(credential).toMatchObject({
      kind: 'proof',
      proof: headers.authorization.slice('Talos-PoP '.length),
    });
    expect(lastDecision().principal).toEqual({ sub: agent.did });
  });

  it('is not made twice with one proof', async () => {
    const headers = proven();
    await post(headers);
    expect(await post(headers)).toMatchObject({ status: 401, code: 'PROOF_INVALID', caveat: 'nonce' });
    expect(lastDecision().principal).toBeNull();
    expect(lastDecision().members.credential).toEqual({
      kind: 'proof',
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('gives the kept outcome when a write is tried again under its rid with a new proof (SES-10)', async () => {
    const rid = newRid();
    const first = await post(proven({ rid }));
    // It is kept once the answer is out: until then a second try is told that the first is under way.
    await expect.poll(() => post(proven({ rid })), { timeout: 10_000 }).toEqual(first);
    expect(await post(proven())).not.toEqual(first);
  });

  it.each<[string, Partial<RequestProofClaims>, string]>([
    ['another gateway', { aud: agent.did }, 'aud'],
    ['another time', { iat: seconds() - 100 }, 'iat'],
    ['another method', { htm: 'GET' }, 'htm'],
    ['another address', { htu: 'http://127.0.0.1:1/mcp' }, 'htu'],
    ['another body', { bh: encodeBase64url(new Uint8Array(32)) }, 'bh'],
    ['other headers', { hh: hashSignedHeaders({}, crypto) }, 'hh'],
    ['another chain', { cth: encodeBase64url(new Uint8Array(32)) }, 'cth'],
    ['a nonce of nobody', { nonce: 'A'.repeat(54) }, 'nonce'],
  ])('is refused with a proof for %s', async (_, change, caveat) => {
    expect(await post(proven(change))).toMatchObject({ status: 401, code: 'PROOF_INVALID', caveat });
  });

  it('is refused when a header that admission reads is added on the way', async () => {
    expect(await post({ ...proven(), 'last-event-id': '7' })).toMatchObject({
      code: 'PROOF_INVALID',
      caveat: 'hh',
    });
  });

  it('is refused without its chain, and beside another credential (SES-7)', async () => {
    const { authorization } = proven();
    expect(await post({ authorization })).toMatchObject({ status: 401, code: 'MALFORMED' });
    const key = issueKey(grants);
    expect(await post({ ...proven(), authorization: `Bearer ${key}` })).toMatchObject({ code: 'MALFORMED' });
  });

  it('does not make us read a large body for a bad proof', async () => {
    const body = `{"pad":"${'x'.repeat(40_000)}"}`;
    expect(await post(proven({ htm: 'GET' }), body)).toMatchObject({ status: 401, code: 'PROOF_INVALID' });
  });

  it('uses no nonce up with a bad proof', async () => {
    const nonce = world.kernel.nonce();
    for (const bad of [{ bh: encodeBase64url(new Uint8Array(32)) }, { htm: 'GET' }])
      await post(proven({ nonce, ...bad }));
    expect(await post(proven({ nonce }))).toMatchObject({ status: 200 });
  });

  it('is refused once its chain is revoked', async () => {
    const chained = chain();
    world.kernel.revoke(chained.leaf.lid);
    expect(await post(proven({}, chained))).toMatchObject({ status: 401, code: 'REVOKED' });
  });
});

describe('a call with a message signature (SES-15)', () => {
  it('is made, and its event names the signature', async () => {
    expect(await post(signed())).toMatchObject({ status: 200, text: expect.any(String) });
    expect(lastDecision().members.credential).toMatchObject({
      kind: 'signature',
      signature_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is not made twice, nor with another body or header', async () => {
    const headers = signed();
    expect(await post(headers, BODY.replace('count', 'counts'))).toMatchObject({ caveat: 'content-digest' });
    expect(await post({ ...headers, 'last-event-id': 'x' })).toMatchObject({ caveat: 'last-event-id' });
    expect(await post(headers)).toMatchObject({ status: 200 });
    expect(await post(headers)).toMatchObject({ status: 401, code: 'PROOF_INVALID', caveat: 'nonce' });
  });

  it('authorises nothing as Web Bot Auth, with a capability, without one, or beside a key (SES-16)', async () => {
    const bot = signed({}, 'web-bot-auth');
    expect(await post(bot)).toMatchObject({ status: 401, code: 'PROOF_INVALID', caveat: 'tag' });
    const { 'talos-capability': _, ...named } = bot as Record<string, string>;
    expect(await post(named)).toMatchObject({ status: 401, code: 'NO_CAPABILITY' });
    const key = issueKey([{ scope: 'tool:other', ops: ['read'] }]);
    const beside = await post({ ...named, authorization: `Bearer ${key}` });
    expect(beside).toMatchObject({ status: 200, code: 'SCOPE_MISMATCH' });
  });

  it('is refused with a chain and nothing that proves anything', async () => {
    expect(await post({ 'talos-capability': chain().chain })).toMatchObject({
      status: 401,
      code: 'PROOF_INVALID',
    });
  });
});
