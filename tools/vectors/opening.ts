import { b64url, type Data, flip, hex, type Members, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { GATEWAY, hash, NOW, STRANGER, SUB_AGENT } from './chain.js';
import { jws } from './keys.js';
import { GATEWAY_EPK, POP, PROOF, SID, sidOf } from './session.js';

const SESSION = 'talos-session+jwt';
const SENT = jws(POP, PROOF, SUB_AGENT);

const CLAIMS: Members = {
  iss: GATEWAY.did,
  aud: SUB_AGENT.did,
  sid: SID,
  epk: b64url(GATEWAY_EPK),
  iat: NOW,
  exp: NOW + 900,
  window: 256,
  proof: hash(SENT),
};

export function sessionGrantNoun(): Noun {
  const n = createNoun(
    'session-grant',
    'session is the answer to an opening that holder made with proof at gateway, as holder checks it (SES-4); expect.epk is the key of the gateway in hex.',
  );
  const given = (session: string, more: Members = {}): Members => ({
    session,
    gateway: GATEWAY.did,
    holder: SUB_AGENT.did,
    proof: SENT,
    ...more,
  });
  const made = (changes: Members = {}, signer = GATEWAY) => jws(SESSION, { ...CLAIMS, ...changes }, signer);
  const ok = (id: string, changes: Members = {}) => {
    const { sid, exp, window } = { ...CLAIMS, ...changes } as Record<'sid' | 'exp' | 'window', Data>;
    n.ok(id, 'SES-4', id, given(made(changes)), { sid, exp, window, epk: hex(GATEWAY_EPK) });
  };
  ok('good');
  ok('wide', { window: 1024 });
  ok('second', { exp: NOW + 1 });
  ok('hour', { exp: NOW + 3600 });
  ok('other-slot', { sid: sidOf(1, 7, 0) });
  n.no('iss', 'SES-4', 'of another gateway', given(made({ iss: STRANGER.did })), 'AUDIENCE_MISMATCH');
  n.no(
    'iss-signed',
    'SES-4',
    'of another gateway that signed it',
    given(made({ iss: STRANGER.did }, STRANGER)),
    'AUDIENCE_MISMATCH',
  );
  n.no('aud', 'SES-4', 'for another agent', given(made({ aud: STRANGER.did })), 'PROOF_INVALID');
  const other = jws(POP, { ...PROOF, jti: 'p-2' }, SUB_AGENT);
  n.no('proof', 'SES-4', 'for another proof', given(made({ proof: hash(other) })), 'PROOF_INVALID');
  n.no(
    'proof-input',
    'SES-4',
    'for the signed part of the proof only',
    given(made({ proof: hash(SENT.slice(0, SENT.lastIndexOf('.'))) })),
    'PROOF_INVALID',
  );
  n.no('stranger', 'SES-4', 'signed by a stranger', given(made({}, STRANGER)), 'SIGNATURE_INVALID');
  n.no('agent', 'SES-4', 'signed by the agent itself', given(made({}, SUB_AGENT)), 'SIGNATURE_INVALID');
  n.no('bit', 'SES-4', 'one bit of the signature turned', given(turned(made())), 'SIGNATURE_INVALID');
  n.no(
    'kid',
    'ID-5',
    'a kid of another key',
    given(jws(SESSION, CLAIMS, GATEWAY, { alg: 'EdDSA', typ: SESSION, kid: `${GATEWAY.did}#k` })),
    'SIGNATURE_INVALID',
  );
  const malformed: [string, string][] = [
    ['typ', jws(POP, CLAIMS, GATEWAY)],
    ['typ-jwt', jws('JWT', CLAIMS, GATEWAY)],
    ['unknown-member', made({ cth: hash('x') })],
    ['exp-long', made({ exp: NOW + 3601 })],
    ['exp-now', made({ exp: NOW })],
    ['exp-past', made({ exp: NOW - 1 })],
    ['exp-text', made({ exp: String(NOW + 900) })],
    ['window-zero', made({ window: 0 })],
    ['window-other', made({ window: 512 })],
    ['window-text', made({ window: '256' })],
    ['sid-prefix', made({ sid: SID.slice(4) })],
    ['sid-bits', made({ sid: `${SID.slice(0, -1)}B` })],
    ['epk-short', made({ epk: b64url(Buffer.alloc(31)) })],
    ['epk-hex', made({ epk: hex(GATEWAY_EPK) })],
    ['aud-array', made({ aud: [SUB_AGENT.did] })],
    ['proof-hex', made({ proof: '0'.repeat(64) })],
    ['empty', ''],
  ];
  for (const [id, session] of malformed) n.no(id, 'SES-4', id, given(session), 'MALFORMED');
  for (const name of Object.keys(CLAIMS)) {
    const session = jws(SESSION, without(CLAIMS, name), GATEWAY);
    n.no(`no-${name}`, 'SES-4', `without ${name}`, given(session), 'MALFORMED');
  }
  return n.done();
}

function turned(text: string): string {
  const [head, body, signature] = text.split('.') as [string, string, string];
  return `${head}.${body}.${b64url(flip(Buffer.from(signature, 'base64url'), 40))}`;
}

export function nonceNoun(): Noun {
  const n = createNoun(
    'nonce',
    'steps happen in order at their times in ms: a nonce, named by a letter, is given or used, or the node restarts; only the last step is judged, all before it go well (SES-1). A nonce that no step gave is of another node. expect.uses counts the uses.',
  );
  const give = (nonce: string, at = 0): Data => ({ do: 'give', nonce, at });
  const use = (nonce: string, at = 0): Data => ({ do: 'use', nonce, at });
  const restart = (at = 0): Data => ({ do: 'restart', at });
  const good: [string, Data[], number][] = [
    ['at-once', [give('a'), use('a')], 1],
    ['last-moment', [give('a'), use('a', 59_999)], 1],
    ['two', [give('a'), give('b'), use('b'), use('a', 1)], 2],
    ['again-given', [give('a'), use('a'), give('b', 1), use('b', 2)], 2],
    ['after-restart', [restart(), give('a', 1), use('a', 2)], 1],
  ];
  for (const [id, steps, uses] of good) n.ok(id, 'SES-1', id, { steps }, { uses });
  const bad: [string, Data[]][] = [
    ['twice', [give('a'), use('a'), use('a')]],
    ['twice-later', [give('a'), use('a', 1), use('a', 59_999)]],
    ['twice-among-others', [give('a'), give('b'), use('a'), use('b'), use('a', 1)]],
    ['expired', [give('a'), use('a', 60_000)]],
    ['long-expired', [give('a'), use('a', 86_400_000)]],
    ['used-and-expired', [give('a'), use('a', 1), use('a', 60_000)]],
    ['never-given', [use('a')]],
    ['of-another-node', [give('a'), use('b')]],
    ['before-restart', [give('a'), restart(1), use('a', 2)]],
    ['used-before-restart', [give('a'), use('a', 1), restart(2), use('a', 3)]],
  ];
  for (const [id, steps] of bad) n.no(id, 'SES-1', id, { steps }, 'PROOF_INVALID');
  return n.done();
}
