import { createHmac } from 'node:crypto';
import { b64url, flip, hex, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { GATEWAY, hash, ONE, STRANGER } from './chain.js';
import { sessionKey } from './keys.js';
import { AGENT_EPK, AGENT_SECRET, GATEWAY_EPK, SID, sidOf } from './session.js';

const RID = '01997aa5-1c00-7000-8000-0000000000aa';
const KEY = sessionKey(AGENT_SECRET, GATEWAY_EPK, hash(ONE), SID, AGENT_EPK, GATEWAY_EPK);
const HEADERS = ['mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'last-event-id'];
const BODY = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
const REQUEST: Members = {
  method: 'POST',
  target: '/mcp?x=%20',
  gateway: GATEWAY.did,
  body: BODY,
  headers: {
    'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25',
    'mcp-method': 'tools/list',
  },
};

function macOf(request: Members, sid: string, seq: string, rid: string): { message: string; mac: string } {
  const headers = request['headers'] as { [name: string]: string };
  const message = [
    'talos-session-v1',
    sid,
    request['gateway'],
    seq,
    rid,
    request['method'],
    request['target'],
    headers['content-type'] ?? '',
    hex(sha256(request['body'] as string)),
    ...HEADERS.map((name) => `${name}:${headers[name] ?? ''}`),
  ].join('\n');
  return { message, mac: b64url(createHmac('sha256', KEY).update(message).digest().subarray(0, 16)) };
}

export function macNoun(): Noun {
  const n = createNoun(
    'mac',
    'the request with this Authorization header is checked with key (hex) (SES-6): body is its raw text, headers those that are signed; expect.message is what is authenticated.',
  );
  const header = (mac: string, seq = '1', rid = RID, sid = SID) =>
    `Talos sid=${sid}, seq=${seq}, rid=${rid}, mac=${mac}`;
  const given = (authorization: string, request: Members = REQUEST): Members => ({
    key: hex(KEY),
    authorization,
    ...request,
  });
  const ok = (id: string, changes: Members, seq = '1') => {
    const request = { ...REQUEST, ...changes };
    const { message, mac } = macOf(request, SID, seq, RID);
    n.ok(id, 'SES-6', id, given(header(mac, seq), request), { message });
  };
  ok('post', {});
  ok('no-body', { method: 'GET', body: '', headers: {} });
  ok('all-headers', {
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...Object.fromEntries(HEADERS.map((name) => [name, `value of ${name}`])),
    },
  });
  ok('large-seq', {}, '9007199254740991');
  ok('delete', { method: 'DELETE', target: `/talos/v1/sessions/${SID}`, body: '', headers: {} });
  const { mac } = macOf(REQUEST, SID, '1', RID);
  const wrong: [string, string, Members][] = [
    ['seq', header(mac, '2'), {}],
    ['rid', header(mac, '1', RID.replace('aa', 'ab')), {}],
    ['sid', header(mac, '1', RID, sidOf(1, 7, 43)), {}],
    ['method', header(mac), { method: 'PUT' }],
    ['target', header(mac), { target: '/mcp?x=%21' }],
    ['target-case', header(mac), { target: '/mcp?X=%20' }],
    ['target-decoded', header(mac), { target: '/mcp?x=+' }],
    ['gateway', header(mac), { gateway: STRANGER.did }],
    ['body', header(mac), { body: `${BODY} ` }],
    ['no-body', header(mac), { body: '' }],
    [
      'content-type',
      header(mac),
      {
        headers: {
          'content-type': 'text/plain',
          'mcp-protocol-version': '2025-11-25',
          'mcp-method': 'tools/list',
        },
      },
    ],
    [
      'header-removed',
      header(mac),
      { headers: { 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' } },
    ],
    [
      'header-added',
      header(mac),
      {
        headers: {
          'content-type': 'application/json',
          'mcp-protocol-version': '2025-11-25',
          'mcp-method': 'tools/list',
          'mcp-name': 'x',
        },
      },
    ],
    [
      'header-moved',
      header(mac),
      {
        headers: {
          'content-type': 'application/json',
          'mcp-protocol-version': '2025-11-25',
          'mcp-name': 'tools/list',
        },
      },
    ],
    ['bit', header(b64url(flip(Buffer.from(mac, 'base64url'), 15))), {}],
    ['zeros', header(b64url(Buffer.alloc(16))), {}],
  ];
  for (const [id, authorization, changes] of wrong)
    n.no(`wrong-${id}`, 'SES-6', id, given(authorization, { ...REQUEST, ...changes }), 'PROOF_INVALID');
  const good = header(mac);
  const bad: [string, string, Members][] = [
    ['scheme-case', good.replace('Talos', 'talos'), {}],
    ['order', `Talos seq=1, sid=${SID}, rid=${RID}, mac=${mac}`, {}],
    ['no-space', good.replaceAll(', ', ','), {}],
    ['two-spaces', good.replaceAll(', ', ',  '), {}],
    ['quotes', `Talos sid="${SID}", seq=1, rid=${RID}, mac=${mac}`, {}],
    ['extra', `${good}, x=1`, {}],
    ['twice', `${good}, mac=${mac}`, {}],
    ['missing', `Talos sid=${SID}, seq=1, mac=${mac}`, {}],
    ['seq-0', header(mac, '0'), {}],
    ['seq-zeros', header(mac, '01'), {}],
    ['seq-sign', header(mac, '+1'), {}],
    ['seq-negative', header(mac, '-1'), {}],
    ['seq-2-53', header(mac, '9007199254740992'), {}],
    ['seq-hex', header(mac, '0x1'), {}],
    ['seq-exponent', header(mac, '1e3'), {}],
    ['rid-v4', header(mac, '1', RID.replace('-7', '-4')), {}],
    ['rid-case', header(mac, '1', RID.toUpperCase()), {}],
    ['mac-short', header(mac.slice(0, -1)), {}],
    ['mac-long', header(`${mac}AA`), {}],
    ['mac-padding', header(`${mac}==`), {}],
    ['mac-bits', header(`${mac.slice(0, -1)}${String.fromCharCode(mac.charCodeAt(21) + 1)}`), {}],
    ['trailing', `${good} `, {}],
    ['line-end', `${good}\n`, {}],
    ['target-absolute', good, { target: 'http://gateway/mcp' }],
    ['target-double', good, { target: '//gateway/mcp' }],
    ['target-fragment', good, { target: '/mcp#a' }],
    ['target-space', good, { target: '/mcp x' }],
    ['target-line-end', good, { target: '/mcp\nx' }],
    ['target-empty', good, { target: '' }],
    ['target-star', good, { target: '*' }],
    ['method-case', good, { method: 'post' }],
    ['method-line-end', good, { method: 'POST\nGET' }],
    ['header-line-end', good, { headers: { 'content-type': 'a\nb' } }],
    ['header-unicode', good, { headers: { 'content-type': '\u00fc' } }],
  ];
  for (const [id, authorization, changes] of bad)
    n.no(
      id,
      id.startsWith('target') ? 'SES-7' : 'SES-6',
      id,
      given(authorization, { ...REQUEST, ...changes }),
      'MALFORMED',
    );
  return n.done();
}
