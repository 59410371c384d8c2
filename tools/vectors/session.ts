import { b64url, type Data, hex, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { AGENT, GATEWAY, hash, NOW, ONE, STRANGER, SUB_AGENT, TWO } from './chain.js';
import { jws, sessionKey, x25519Public } from './keys.js';

export const AGENT_SECRET = sha256('talos-vectors-v1 agent epk');
const GATEWAY_SECRET = sha256('talos-vectors-v1 gateway epk');
export const AGENT_EPK = x25519Public(AGENT_SECRET);
export const GATEWAY_EPK = x25519Public(GATEWAY_SECRET);
const RANDOM = sha256('talos-vectors-v1 sid').subarray(0, 16);

export function sidOf(node: number, boot: number, slot: number, random: Uint8Array = RANDOM): string {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(node, 0);
  bytes.writeUInt32BE(boot, 4);
  bytes.writeUInt32BE(slot, 8);
  return `ses_${b64url(Buffer.concat([bytes, random]))}`;
}

export const SID = sidOf(1, 7, 42);

export function sessionIdNoun(): Noun {
  const n = createNoun('session-id', 'sid is read as the id of a session (SES-8); expect.random is hex.');
  const parts: [number, number, number][] = [
    [1, 7, 42],
    [0, 0, 0],
    [0xffffffff, 0xffffffff, 0xffffffff],
    [0x01020304, 256, 65_536],
  ];
  for (const [node, boot, slot] of parts)
    n.ok(
      `${node}-${boot}-${slot}`,
      'SES-8',
      'an id',
      { sid: sidOf(node, boot, slot) },
      { node, boot, slot, random: hex(RANDOM) },
    );
  const bad: [string, string][] = [
    ['prefix', SID.slice(4)],
    ['prefix-case', SID.replace('ses_', 'SES_')],
    ['other-prefix', SID.replace('ses_', 'evt_')],
    ['short', SID.slice(0, -1)],
    ['long', `${SID}A`],
    ['bits', `${SID.slice(0, -1)}B`],
    ['padding', `${SID}=`],
    ['space', `${SID} `],
    ['alphabet', `${SID.slice(0, -2)}+A`],
    ['empty', 'ses_'],
  ];
  for (const [id, sid] of bad) n.no(id, 'SES-8', id, { sid }, 'MALFORMED');
  return n.done();
}

export function sessionKeyNoun(): Noun {
  const n = createNoun(
    'session-key',
    'the side named role, agent or gateway, has secret (hex) and derives key (hex) of SES-5 from the public keys (hex), cth and sid.',
  );
  const input = (
    role: string,
    secret: Uint8Array,
    agentEpk: Uint8Array,
    gatewayEpk: Uint8Array,
    cth = hash(ONE),
    sid = SID,
  ): Members => ({
    role,
    secret: hex(secret),
    agentEpk: hex(agentEpk),
    gatewayEpk: hex(gatewayEpk),
    cth,
    sid,
  });
  const key = (cth = hash(ONE), sid = SID) => ({
    key: hex(sessionKey(AGENT_SECRET, GATEWAY_EPK, cth, sid, AGENT_EPK, GATEWAY_EPK)),
  });
  n.ok(
    'agent',
    'SES-5',
    'the side of the agent',
    input('agent', AGENT_SECRET, AGENT_EPK, GATEWAY_EPK),
    key(),
  );
  n.ok(
    'gateway',
    'SES-5',
    'the side of the gateway',
    input('gateway', GATEWAY_SECRET, AGENT_EPK, GATEWAY_EPK),
    key(),
  );
  n.ok(
    'other-cth',
    'SES-5',
    'another capability gives another key',
    input('agent', AGENT_SECRET, AGENT_EPK, GATEWAY_EPK, hash(TWO)),
    key(hash(TWO)),
  );
  n.ok(
    'other-sid',
    'SES-5',
    'another session gives another key',
    input('agent', AGENT_SECRET, AGENT_EPK, GATEWAY_EPK, hash(ONE), sidOf(1, 7, 43)),
    key(hash(ONE), sidOf(1, 7, 43)),
  );
  const small = [
    `00${'00'.repeat(31)}`,
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  ];
  for (const epk of small)
    n.no(
      `small-order-${epk.slice(0, 4)}`,
      'ID-7',
      'a public key of small order gives an all-zero secret',
      input('agent', AGENT_SECRET, AGENT_EPK, Buffer.from(epk, 'hex')),
      'MALFORMED',
    );
  n.no(
    'short-cth',
    'SES-5',
    'a cth that is not 32 bytes',
    input('agent', AGENT_SECRET, AGENT_EPK, GATEWAY_EPK, b64url(Buffer.alloc(31))),
    'MALFORMED',
  );
  n.no(
    'short-epk',
    'SES-5',
    'a public key that is not 32 bytes',
    input('agent', AGENT_SECRET, AGENT_EPK, GATEWAY_EPK.subarray(1)),
    'MALFORMED',
  );
  return n.done();
}

export const POP = 'talos-pop+jwt';
const URL = 'https://gateway.example/talos/v1/sessions';
export const PROOF: Members = {
  aud: GATEWAY.did,
  iat: NOW,
  jti: 'p-1',
  htm: 'POST',
  htu: URL,
  cth: hash(TWO),
  nonce: b64url(sha256('nonce')),
  epk: b64url(AGENT_EPK),
};

export function proofNoun(): Noun {
  const n = createNoun(
    'proof',
    "proof is checked by gateway at now for method and url, for the chain whose hash is cth and whose holder is given (SES-2, SES-3); nonce is the one that is open. expect.epk is the agent's key in hex.",
  );
  const given = (proof: string, more: Members = {}): Members => ({
    proof,
    gateway: GATEWAY.did,
    now: NOW,
    method: 'POST',
    url: URL,
    cth: hash(TWO),
    holder: SUB_AGENT.did,
    nonce: PROOF['nonce'] as Data,
    ...more,
  });
  const made = (changes: Members = {}) => jws(POP, { ...PROOF, ...changes }, SUB_AGENT);
  const epk = { epk: hex(AGENT_EPK) };
  n.ok('good', 'SES-2', 'a proof', given(made()), epk);
  n.ok('early', 'SES-2', '60 s before', given(made({ iat: NOW - 60 })), epk);
  n.ok('late', 'SES-2', '60 s after', given(made({ iat: NOW + 60 })), epk);
  n.ok('query', 'SES-2', 'a URL with query', given(made({ htu: `${URL}?a=1` }), { url: `${URL}?a=1` }), epk);
  const invalid: [string, Members][] = [
    ['aud', { aud: STRANGER.did }],
    ['iat-old', { iat: NOW - 61 }],
    ['iat-new', { iat: NOW + 61 }],
    ['htm', { htm: 'GET' }],
    ['htu', { htu: 'https://other.example/talos/v1/sessions' }],
    ['htu-query', { htu: `${URL}?a=1` }],
    ['htu-case', { htu: URL.replace('gateway', 'Gateway') }],
    ['htu-slash', { htu: `${URL}/` }],
    ['htu-scheme', { htu: URL.replace('https', 'http') }],
    ['cth', { cth: hash(ONE) }],
    ['nonce', { nonce: b64url(sha256('other')) }],
  ];
  for (const [id, changes] of invalid) n.no(id, 'SES-2', id, given(made(changes)), 'PROOF_INVALID');
  n.no(
    'signed-by-parent',
    'SES-2',
    'signed by the holder of the link before',
    given(jws(POP, PROOF, AGENT)),
    'PROOF_INVALID',
  );
  n.no(
    'signed-by-stranger',
    'SES-2',
    'signed by a stranger',
    given(jws(POP, PROOF, STRANGER)),
    'PROOF_INVALID',
  );
  const malformed: [string, string][] = [
    ['typ', jws('talos-cap+jwt', PROOF, SUB_AGENT)],
    ['dpop', jws('dpop+jwt', PROOF, SUB_AGENT)],
    ['unknown-member', made({ ath: 'x' })],
    ['aud-array', made({ aud: [GATEWAY.did] })],
    ['epk-short', made({ epk: b64url(Buffer.alloc(31)) })],
    ['epk-bits', made({ epk: `${(PROOF['epk'] as string).slice(0, -1)}B` })],
    ['iat-text', made({ iat: String(NOW) })],
    [
      'iat-fraction',
      jws(POP, PROOF, SUB_AGENT, undefined, jcs(PROOF).replace(`"iat":${NOW}`, `"iat":${NOW}.5`)),
    ],
    ['htm-case', made({ htm: 'post' })],
    ['htu-relative', made({ htu: '/talos/v1/sessions' })],
    ['cth-hex', made({ cth: '0'.repeat(64) })],
  ];
  for (const [id, text] of malformed) n.no(id, 'SES-2', id, given(text), 'MALFORMED');
  for (const name of Object.keys(PROOF))
    n.no(
      `no-${name}`,
      'SES-2',
      `without ${name}`,
      given(jws(POP, without(PROOF, name), SUB_AGENT)),
      'MALFORMED',
    );
  return n.done();
}

const RID = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const MCP_URL = 'https://gateway.example/mcp';
const MCP_BODY = '{"id":1,"jsonrpc":"2.0","method":"tools/list"}';
const MCP_HEADERS = { 'content-type': 'application/json', 'mcp-method': 'tools/list' };
const COVERED = 'content-type mcp-protocol-version mcp-session-id mcp-method mcp-name last-event-id'.split(
  ' ',
);

function headerHash(headers: Readonly<Record<string, string>>): string {
  return b64url(sha256(COVERED.map((name) => `${name}:${headers[name] ?? ''}`).join('\n')));
}

export const REQUEST_PROOF: Members = {
  ...without(PROOF, 'epk'),
  htu: MCP_URL,
  bh: b64url(sha256(MCP_BODY)),
  hh: headerHash(MCP_HEADERS),
  rid: RID,
};

export function requestProofNoun(): Noun {
  const n = createNoun(
    'request-proof',
    'proof is checked by gateway at now for a request with method, url, headers and body (text), for the chain whose hash is cth and whose holder is given (SES-13, SES-14); nonce is the one that is open. expect.rid is the logical call.',
  );
  const given = (proof: string, more: Members = {}): Members => ({
    proof,
    gateway: GATEWAY.did,
    now: NOW,
    method: 'POST',
    url: MCP_URL,
    headers: MCP_HEADERS,
    body: MCP_BODY,
    cth: hash(TWO),
    holder: SUB_AGENT.did,
    nonce: PROOF['nonce'] as Data,
    ...more,
  });
  const made = (changes: Members = {}) => jws(POP, { ...REQUEST_PROOF, ...changes }, SUB_AGENT);
  const rid = { rid: RID };
  n.ok('good', 'SES-13', 'a proof', given(made()), rid);
  n.ok('early', 'SES-13', '60 s before', given(made({ iat: NOW - 60 })), rid);
  n.ok('late', 'SES-13', '60 s after', given(made({ iat: NOW + 60 })), rid);
  n.ok(
    'query',
    'SES-13',
    'a URL with query',
    given(made({ htu: `${MCP_URL}?a=1` }), { url: `${MCP_URL}?a=1` }),
    rid,
  );
  n.ok(
    'bare',
    'SES-13',
    'no body and none of the headers',
    given(made({ htm: 'GET', bh: b64url(sha256('')), hh: headerHash({}) }), {
      method: 'GET',
      body: '',
      headers: {},
    }),
    rid,
  );
  const every = Object.fromEntries(COVERED.map((name, index) => [name, `value ${index}`]));
  n.ok(
    'all-headers',
    'SES-13',
    'all headers',
    given(made({ hh: headerHash(every) }), { headers: every }),
    rid,
  );
  const invalid: [string, Members][] = [
    ['aud', { aud: STRANGER.did }],
    ['iat-old', { iat: NOW - 61 }],
    ['iat-new', { iat: NOW + 61 }],
    ['htm', { htm: 'GET' }],
    ['htu', { htu: 'https://other.example/mcp' }],
    ['htu-query', { htu: `${MCP_URL}?a=1` }],
    ['htu-scheme', { htu: MCP_URL.replace('https', 'http') }],
    ['cth', { cth: hash(ONE) }],
    ['nonce', { nonce: b64url(sha256('other')) }],
    ['bh', { bh: b64url(sha256(`${MCP_BODY}\n`)) }],
    ['bh-of-nothing', { bh: b64url(sha256('')) }],
    ['hh', { hh: headerHash({}) }],
    ['hh-less', { hh: headerHash({ 'content-type': 'application/json' }) }],
    ['hh-more', { hh: headerHash({ ...MCP_HEADERS, 'mcp-name': 'fs__read' }) }],
    ['hh-moved', { hh: headerHash({ 'content-type': 'application/json', 'mcp-name': 'tools/list' }) }],
  ];
  for (const [id, changes] of invalid) n.no(id, 'SES-14', id, given(made(changes)), 'PROOF_INVALID');
  n.no('body-added', 'SES-14', 'another body', given(made(), { body: `${MCP_BODY} ` }), 'PROOF_INVALID');
  n.no('body-dropped', 'SES-14', 'no body', given(made(), { body: '' }), 'PROOF_INVALID');
  n.no('header-dropped', 'SES-14', 'a header less', given(made(), { headers: {} }), 'PROOF_INVALID');
  for (const [id, signer] of [
    ['signed-by-parent', AGENT],
    ['signed-by-stranger', STRANGER],
  ] as const)
    n.no(id, 'SES-14', id, given(jws(POP, REQUEST_PROOF, signer)), 'PROOF_INVALID');
  const malformed: [string, string][] = [
    ['opening', jws(POP, PROOF, SUB_AGENT)],
    ['both', made({ epk: b64url(AGENT_EPK) })],
    ['typ', jws('dpop+jwt', REQUEST_PROOF, SUB_AGENT)],
    ['unknown-member', made({ ath: 'x' })],
    ['bh-hex', made({ bh: '0'.repeat(64) })],
    ['hh-empty', made({ hh: '' })],
    ['rid-v4', made({ rid: '01938e5c-7b1a-4c3d-8e4f-0123456789ab' })],
    ['rid-case', made({ rid: RID.toUpperCase() })],
  ];
  for (const [id, text] of malformed) n.no(id, 'SES-13', id, given(text), 'MALFORMED');
  for (const name of Object.keys(REQUEST_PROOF))
    n.no(
      `no-${name}`,
      'SES-13',
      `without ${name}`,
      given(jws(POP, without(REQUEST_PROOF, name), SUB_AGENT)),
      'MALFORMED',
    );
  return n.done();
}
