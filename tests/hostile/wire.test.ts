import {
  CAPABILITY_TYP,
  DEACTIVATE_TYP,
  PROBLEMS,
  PROOF_TYP,
  type ProblemCode,
  REGISTER_TYP,
  REVOCATION_TYP,
} from '@talosprotocol/contracts';
import {
  attenuateToBearer,
  didKeyKeys,
  encodeBase64url,
  hashSignedHeaders,
  parseChain,
  signProof,
} from '@talosprotocol/protocol';
import { createIdentity } from '@talosprotocol/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RawAnswer, rawRequest } from '../support/raw-http.js';
import { type Cast, castOf, crypto, deps, openWorld, seconds, type World } from '../support/world.js';
import { attacksOn, type Row } from './attacks.js';
import type { Kind, Party } from './kinds.js';

let world: World;
let cast: Cast;
let agent: Party;
let nonce: string;

beforeAll(async () => {
  world = await openWorld();
  cast = await castOf(world, world.files);
  agent = { name: 'agent', signer: cast.agent.signer, keys: didKeyKeys(cast.agent.did) };
});
beforeEach(async () => {
  ({ nonce } = await world.kernel.nonce());
});
afterAll(() => world?.close());

type Headers = readonly (readonly [string, string])[];
const LEAKS =
  /\n\s+at |node_modules|\.[cm]?[jt]s[:"']|\/work\/|\/tmp\/|postgres|SELECT |TypeError|RangeError/i;

/** A refusal as it came over the wire. */
interface Refusal {
  readonly code: ProblemCode;
  readonly requestId: string;
}

/** Sends a request that must be refused by a problem document, a JSON-RPC error or a decision with a code. */
async function refusedBy(
  url: string,
  target: string,
  { body, headers = [], secret = '' }: { body: unknown; headers?: Headers; secret?: string },
): Promise<Refusal | string> {
  const more: Headers = [
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, text/event-stream'],
  ];
  const answer = await rawRequest(url, {
    method: 'POST',
    target,
    headers: [...more, ...headers],
    body: JSON.stringify(body),
  });
  const requestId = answer.headers['x-request-id'] ?? '';
  if (answer.status >= 500) return `status ${answer.status}: ${answer.body}`;
  if (!/^req_/.test(requestId)) return 'no request id';
  if (LEAKS.test(answer.body)) return `leaks: ${answer.body}`;
  if (secret !== '' && answer.body.includes(secret)) return 'repeats what it was sent';
  const code = codeOf(answer);
  return Object.hasOwn(PROBLEMS, code)
    ? { code: code as ProblemCode, requestId }
    : `${answer.status} ${code}`;
}

function codeOf({ status, body }: RawAnswer): string {
  const answered = JSON.parse(body);
  if (answered.jsonrpc === '2.0')
    return answered.error?.data?.hint === undefined ? 'no hint' : answered.error.data.code;
  if (status === 200) return answered.decision?.effect === 'deny' ? answered.decision.code : body;
  if (answered.status !== status || answered.title === undefined) return `not a problem: ${body}`;
  return answered.code;
}

/** Presents every attack on a kind; gives what was not as it should be, and the refusals. */
async function presentAll(
  rows: readonly Row[],
  present: (token: string) => Promise<Refusal | string>,
  also: readonly ProblemCode[] = [],
): Promise<{ faults: string[]; refusals: Refusal[] }> {
  const faults: string[] = [];
  const refusals: Refusal[] = [];
  for (const { label, token, codes } of rows) {
    const outcome = await present(token);
    if (typeof outcome === 'string') faults.push(`${label}: ${outcome.slice(0, 300)}`);
    else if (![...codes, ...also, 'TOO_LARGE'].includes(outcome.code))
      faults.push(`${label}: ${outcome.code}`);
    else refusals.push(outcome);
  }
  return { faults, refusals };
}

const admin = (): Headers => [['Authorization', `Bearer ${world.adminToken}`]];
/** Every third attack: all of them are made on the decoders, here it is about the routes. */
const some = (rows: readonly Row[], offset = 0): readonly Row[] => rows.filter((_, n) => n % 3 === offset);

/** What no header can carry does not arrive. */
const inHeader = ({ token }: Row): boolean => /^[\x21-\x7e]{1,12000}$/.test(token);

async function isRecorded({ requestId, code }: Refusal): Promise<void> {
  await expect
    .poll(async () => JSON.stringify(await world.kernel.why(requestId).catch(() => '')))
    .toContain(code);
}

const kindOf = (
  name: string,
  typ: string,
  claims: object,
  forged: ProblemCode,
  optional: string[] = [],
): Kind => ({
  name,
  typ,
  claims: claims as Kind['claims'],
  optional,
  forged,
  verify: () => undefined,
});

const chainClaims = () => ({
  iss: agent.signer.did,
  sub: cast.worker.did,
  jti: 'x',
  iat: seconds() - 5,
  exp: seconds() + 600,
  par_hash: cast.agentLid,
  grants: [{ scope: 'tool:files', ops: ['read'] }],
});
const opening = (cth: string) => ({
  aud: world.ready.gatewayDid,
  iat: seconds(),
  jti: 'x',
  htm: 'POST',
  htu: new URL('/talos/v1/sessions', world.ready.kernel).href,
  cth,
  nonce,
  epk: encodeBase64url(crypto.x25519PublicKey(new Uint8Array(32).fill(7))),
});

// SES-3, PROBLEM-1, AUD-4
describe('POST sessions', () => {
  const target = '/talos/v1/sessions';

  it('refuses every attack on the proof; the nonce is not used up, and the good proof opens', async () => {
    const claims = opening(parseChain(cast.agentChain, crypto).cth);
    const rows = some(attacksOn(kindOf('opening', PROOF_TYP, claims, 'PROOF_INVALID'), agent));
    const { faults, refusals } = await presentAll(rows, (proof) =>
      refusedBy(world.ready.kernel, target, { body: { chain: cast.agentChain, proof } }),
    );
    expect(faults).toEqual([]);
    const good = signProof({ ...claims, iat: seconds() }, agent.signer);
    const body = JSON.stringify({ chain: cast.agentChain, proof: good });
    const headers: Headers = [['Content-Type', 'application/json']];
    const answer = await rawRequest(world.ready.kernel, { method: 'POST', target, headers, body });
    expect([answer.status, answer.body]).toEqual([201, expect.stringContaining('"session"')]);
    await isRecorded(refusals.findLast(({ code }) => code === 'PROOF_INVALID')!);
  });

  it('refuses every attack on a link', async () => {
    const rows = some(
      attacksOn(kindOf('link', CAPABILITY_TYP, chainClaims(), 'SIGNATURE_INVALID', []), agent),
      1,
    );
    const present = (token: string) => {
      const chain = `${cast.agentChain}~${token}`;
      const proof = signProof(opening('A'.repeat(43)), cast.worker.signer);
      return refusedBy(world.ready.gateway, target, { body: { chain, proof } });
    };
    const { faults, refusals } = await presentAll(rows, present);
    expect(faults).toEqual([]);
    await isRecorded(refusals.find(({ code }) => code === 'SIGNATURE_INVALID')!);
  });
});

// DEC-11
describe('questions of enforcement points', () => {
  const rows = (offset: number) =>
    some(attacksOn(kindOf('link', CAPABILITY_TYP, chainClaims(), 'SIGNATURE_INVALID', []), agent), offset);

  it('POST authorize answers every attack on a link with a code', async () => {
    const items = [{ scope: 'tool:files/method:read_text_file', op: 'read' }];
    const { faults } = await presentAll(rows(2), (token) =>
      refusedBy(world.ready.kernel, '/talos/v1/authorize', {
        body: { chain: `${cast.agentChain}~${token}`, items },
        headers: admin(),
      }),
    );
    expect(faults).toEqual([]);
  });

  it('AuthZEN denies every attack on a link, or refuses the question', async () => {
    const faults: string[] = [];
    for (const { label, token } of rows(0)) {
      const subject = {
        type: 'capability',
        id: cast.worker.did,
        properties: { chain: `${cast.agentChain}~${token}` },
      };
      const body = JSON.stringify({
        subject,
        action: { name: 'read' },
        resource: { type: 'tool', id: 'files' },
      });
      const headers: Headers = [...admin(), ['Content-Type', 'application/json']];
      const answer = await rawRequest(world.ready.kernel, {
        method: 'POST',
        target: '/access/v1/evaluation',
        headers,
        body,
      });
      const allowed =
        answer.status >= 500 || (answer.status === 200 && JSON.parse(answer.body).decision !== false);
      if (allowed || LEAKS.test(answer.body))
        faults.push(`${label}: ${answer.status} ${answer.body.slice(0, 200)}`);
    }
    expect(faults).toEqual([]);
  });
});

// CAP-25
describe('POST revocations', () => {
  it('refuses every attack on a revocation; nothing is revoked by any', async () => {
    const { agentChain: chain, agentLid: lid } = cast;
    const claims = { iss: agent.signer.did, iat: seconds(), jti: 'x', lid, chain };
    const rows = some(attacksOn(kindOf('revocation', REVOCATION_TYP, claims, 'SIGNATURE_INVALID'), agent), 1);
    const { faults } = await presentAll(rows, (revocation) =>
      refusedBy(world.ready.gateway, '/talos/v1/revocations', { body: { revocation } }),
    );
    expect(faults).toEqual([]);
    expect(await world.kernel.capabilityStatus(lid)).toMatchObject({ state: 'valid' });
  });
});

// ID-13, ID-15
describe('identities', () => {
  it('refuses every attack on a registration', async () => {
    const { signer } = createIdentity({ crypto });
    const party: Party = { name: 'new', signer, keys: didKeyKeys(signer.did) };
    const registered = { did: signer.did, kind: 'agent', name: 'Ann' };
    const claims = { aud: world.ready.gatewayDid, iat: seconds(), jti: 'x', nonce, ...registered };
    const rows = some(attacksOn(kindOf('registration', REGISTER_TYP, claims, 'PROOF_INVALID'), party), 2);
    const { faults } = await presentAll(rows, (proof) =>
      refusedBy(world.ready.kernel, '/talos/v1/identities', {
        body: { ...registered, proof },
        headers: admin(),
      }),
    );
    expect(faults).toEqual([]);
    await expect(world.kernel.getIdentity(signer.did)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuses every attack on an end; the identity stays', async () => {
    const { signer } = createIdentity({ crypto });
    const party: Party = { name: 'ended', signer, keys: didKeyKeys(signer.did) };
    await world.kernel.registerSigner(signer, { kind: 'agent', name: 'Bob' });
    const claims = { aud: world.ready.gatewayDid, iat: seconds(), jti: 'x', iss: signer.did };
    const rows = some(attacksOn(kindOf('end', DEACTIVATE_TYP, claims, 'PROOF_INVALID'), party));
    const target = `/talos/v1/identities/${signer.did}/deactivation`;
    const { faults } = await presentAll(rows, (statement) =>
      refusedBy(world.ready.gateway, target, { body: { statement } }),
    );
    expect(faults).toEqual([]);
    expect(await world.kernel.getIdentity(signer.did)).toMatchObject({ status: 'active' });
  });
});

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };

// SES-14, DEC-3
describe('/mcp', () => {
  const mcp = (headers: Headers, secret = '') =>
    refusedBy(world.ready.gateway, '/mcp', { body: CALL, headers, secret });
  const REFUSED: readonly ProblemCode[] = [
    'MALFORMED',
    'NO_CAPABILITY',
    'PROOF_INVALID',
    'SESSION_UNKNOWN',
    'SESSION_ELSEWHERE',
  ];

  it('refuses every attack on a proof of a request, and records it', async () => {
    const claims = {
      aud: world.ready.gatewayDid,
      iat: seconds(),
      jti: 'x',
      htm: 'POST',
      htu: new URL('/mcp', world.ready.gateway).href,
      cth: parseChain(cast.agentChain, crypto).cth,
      nonce,
      bh: encodeBase64url(crypto.sha256(Buffer.from(JSON.stringify(CALL)))),
      hh: hashSignedHeaders({ 'content-type': 'application/json' }, crypto),
      rid: '01890000-0000-7000-8000-000000000001',
    };
    const rows = some(attacksOn(kindOf('request', PROOF_TYP, claims, 'PROOF_INVALID'), agent), 1).filter(
      inHeader,
    );
    const { faults, refusals } = await presentAll(rows, (proof) =>
      mcp(
        [
          ['Authorization', `Talos-PoP ${proof}`],
          ['Talos-Capability', cast.agentChain],
        ],
        proof,
      ),
    );
    expect(faults).toEqual([]);
    expect(rows.length).toBeGreaterThan(50);
    await isRecorded(refusals.findLast(({ code }) => code === 'PROOF_INVALID')!);
  });

  it('refuses every bearer key that is not one, and repeats none', async () => {
    const options = { aud: 'same', grants: 'same', exp: seconds() + 600 } as const;
    const key = attenuateToBearer(cast.agentChain, options, cast.agent.signer, deps);
    const chain = key.slice('talos_'.length, key.lastIndexOf('~'));
    const seed = key.slice(key.lastIndexOf('~') + 1);
    const rows = [
      ...[
        chain,
        `talos_${chain}`,
        `talos_${chain}~`,
        `talos_${chain}~${seed.slice(1)}`,
        `talos_${chain}~${seed}A`,
      ],
      ...[`talos_${chain}~${'A'.repeat(43)}`, `talos_${chain}~~${seed}`, `talos_~${seed}`, `talos_${seed}`],
      ...[
        `TALOS_${chain}~${seed}`,
        `${key}=`,
        `${key}~${seed}`,
        `talos_${cast.agentChain}~${seed}`,
        `talos_talos_${chain}~${seed}`,
      ],
      ...[`talos_${chain.split('~').reverse().join('~')}~${seed}`, `talos_${chain.split('~')[1]}~${seed}`],
      ...[
        `talos_${chain}~${chain.split('~')[1]}~${seed}`,
        `talos_${chain.replace('~', '%7E')}~${seed}`,
        seed,
      ],
      ...[
        world.adminToken,
        `talos_${'A'.repeat(16_000)}~${seed}`,
        'talos_',
        '__proto__',
        `talos_${'~'.repeat(400)}${seed}`,
      ],
    ].map((token, n): Row => ({ label: `key ${n}`, token, codes: REFUSED }));
    const also = ['SIGNATURE_INVALID', 'UNTRUSTED_ISSUER', 'DELEGATION_INVALID'] as const;
    for (const name of ['Authorization', 'X-Api-Key']) {
      const { faults, refusals } = await presentAll(
        rows,
        (token) =>
          mcp(
            [[name, name === 'Authorization' ? `Bearer ${token}` : token]],
            token.length > 43 ? token.slice(-43) : '',
          ),
        also,
      );
      expect(faults).toEqual([]);
      await isRecorded(refusals[0]!);
    }
  });

  it('refuses every session authorization that is not one', async () => {
    const sid = `ses_${'A'.repeat(38)}`;
    const rid = '01890000-0000-7000-8000-000000000001';
    const good = `sid=${sid}, seq=1, rid=${rid}, mac=${'A'.repeat(22)}`;
    const rows = [
      ...[
        good,
        good.replace('seq=1', 'seq=0'),
        good.replace('seq=1', 'seq=01'),
        good.replace('seq=1', 'seq=-1'),
      ],
      ...['9007199254740992', '9007199254740991', '18446744073709551616', '1e3', '1.0', ''].map((seq) =>
        good.replace('seq=1', `seq=${seq}`),
      ),
      ...[
        good.replace(rid, rid.toUpperCase()),
        good.replace('-7000', '-4000'),
        good.replaceAll(', ', ','),
        `${good},`,
        `${good}, x=1`,
      ],
      ...[
        good.replace('AAAAAAA, rid', 'B, rid'),
        good.replace(/.{22}$/, `${'A'.repeat(21)}B`),
        good.slice(0, -1),
        `${good}A`,
        `${good}==`,
      ],
      ...[
        `${good}, ${good}`,
        good.replace('sid=', 'SID='),
        good.split(', ').reverse().join(', '),
        '',
        'sid=',
        good.replace(sid, '../../x'),
      ],
    ].map((token, n): Row => ({ label: `header ${n}: ${token}`, token, codes: REFUSED }));
    const { faults } = await presentAll(rows, (token) => mcp([['Authorization', `Talos ${token}`]]));
    expect(faults).toEqual([]);
  });
});

// RBAC-12, RBAC-14
describe('the keys of administrators', () => {
  const variantsOf = (key: string): readonly string[] => [
    ...[
      key.slice(0, -1),
      `${key}A`,
      `${key}=`,
      key.toUpperCase(),
      key.replace('tal_svc_', 'tal_log_'),
      key.slice(8),
    ],
    ...[
      `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`,
      key.replace(/_[0-9a-f]{32}_/, `_${'0'.repeat(32)}_`),
    ],
    ...[
      'tal_svc_',
      `tal_svc_${'0'.repeat(32)}_${'A'.repeat(43)}`,
      `tal_log_${'A'.repeat(43)}`,
      `tal_boot_${'A'.repeat(43)}`,
    ],
    ...['__proto__', "' OR 1=1 --", 'null', 'undefined', '%00', 'A'.repeat(256), 'A'.repeat(9000)],
  ];

  it('count in one spelling only', async () => {
    const rows = variantsOf(world.adminToken).map(
      (token, n): Row => ({ label: `key ${n}`, token, codes: ['UNAUTHENTICATED', 'MALFORMED'] }),
    );
    const { faults } = await presentAll(rows, (token) =>
      refusedBy(world.ready.kernel, '/talos/v1/rbac/check', {
        body: { permission: 'audit:read' },
        headers: [['Authorization', `Bearer ${token}`]],
        secret: token.length > 20 ? token : '',
      }),
    );
    expect(faults).toEqual([]);
  });

  it('are not made by a token once there is an administrator', async () => {
    const rows = variantsOf(world.adminToken).map(
      (token, n): Row => ({ label: `token ${n}`, token, codes: ['UNAUTHENTICATED', 'MALFORMED'] }),
    );
    const { faults } = await presentAll(rows, (token) =>
      refusedBy(world.ready.kernel, '/talos/v1/rbac/bootstrap', {
        body: { token },
        secret: token.length > 20 ? token : '',
      }),
    );
    expect(faults).toEqual([]);
  });
});
