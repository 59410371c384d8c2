import { b64, type Data, hex, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { ANCHOR, GATEWAY, ORGANISATION, STRANGER } from './chain.js';
import { EXPORTER, LOG_KEY, ORIGIN } from './events.js';
import { TRUST } from './evidence.js';
import type { Party } from './keys.js';
import { vkey } from './tree.js';

export function trustFileNoun(): Noun {
  const n = createNoun(
    'trust-file',
    'text is a trust file (AUD-19); expect names the origins of its logs, each once, its exporters, its emitters, and the issuers of its anchors for policies it does not list.',
  );
  const other = 'talos.example/log/other';
  const logs = TRUST['logs'] as readonly Data[];
  const empty: Members = { ...TRUST, logs: [], exporters: [], emitters: [], anchors: [] };
  const ok = (id: string, text: string, expected: Members) =>
    n.ok(id, 'AUD-19', id, { text }, { ...expected });
  const all: Members = {
    logs: [ORIGIN],
    exporters: [EXPORTER.did],
    emitters: [GATEWAY.did],
    anchors: [ORGANISATION.did],
  };
  ok('canonical', jcs(TRUST), all);
  ok('pretty', `${JSON.stringify(TRUST, null, 2)}\n`, all);
  ok('empty', jcs(empty), { logs: [], exporters: [], emitters: [], anchors: [] });
  const log = { origin: other, vkey: vkey(other, EXPORTER) };
  ok('two-logs', jcs({ ...TRUST, logs: [...logs, log] }), { ...all, logs: [ORIGIN, other] });
  const second = { origin: ORIGIN, vkey: vkey(ORIGIN, EXPORTER) };
  ok('two-keys', jcs({ ...TRUST, logs: [...logs, second] }), all);
  const cosigner = (name: string, key: Party): string => {
    const id = hex(sha256(`${name}\n`, Uint8Array.of(4), key.publicKey).subarray(0, 4));
    return `${name}+${id}+${b64(Buffer.concat([Uint8Array.of(4), key.publicKey]))}`;
  };
  const [w1, w2] = [cosigner('w1.example', STRANGER), cosigner('w2.example', GATEWAY)];
  const own = { origin: ORIGIN, vkey: vkey(ORIGIN, LOG_KEY) };
  const witnessed = (...more: Members[]): Members => ({
    ...TRUST,
    logs: more.map((one) => ({ ...own, ...one })),
  });
  ok('witnesses', jcs(witnessed({ witnesses: [w1, w2], quorum: 2 })), all);
  ok('witnesses-no-quorum', jcs(witnessed({ witnesses: [w1] })), all);
  ok('witnesses-none', jcs(witnessed({ witnesses: [], quorum: 0 })), all);
  const both = { witnesses: [w1], quorum: 1 };
  ok('witnesses-two-keys', jcs(witnessed(both, { ...both, vkey: second.vkey })), all);
  ok('did-web', jcs({ ...TRUST, exporters: ['did:web:example.com'] }), {
    ...all,
    exporters: ['did:web:example.com'],
  });
  const listed = (...hashes: string[]): Members => ({
    ...TRUST,
    policies: hashes.map((policy) => ({ policy, anchors: [] })),
  });
  const [one, two] = ['1'.repeat(64), '2'.repeat(64)] as [string, string];
  ok('no-policies', jcs(listed()), all);
  ok('policies', jcs(listed(one, two)), all);
  ok('policy-anchor', jcs({ ...TRUST, anchors: [], policies: [{ policy: one, anchors: [ANCHOR] }] }), {
    ...all,
    anchors: [],
  });
  const key = vkey(ORIGIN, LOG_KEY);
  const logged = (change: string) => ({ logs: [{ origin: ORIGIN, vkey: change }] });
  const changed: [string, Members][] = [
    ['format', { format: 'talos-trust-v2' }],
    ['unknown-member', { witnesses: [] }],
    ['log-unknown-member', { logs: [{ origin: ORIGIN, vkey: key, name: 'x' }] }],
    ['log-no-origin', { logs: [{ vkey: key }] }],
    ['log-no-key', { logs: [{ origin: ORIGIN }] }],
    ['log-other-name', { logs: [{ origin: other, vkey: key }] }],
    ['log-scheme', { logs: [{ origin: `https://${ORIGIN}`, vkey: key }] }],
    ['logs-object', { logs: { [ORIGIN]: key } }],
    ['key-hash', logged(key.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))],
    ['key-hash-case', logged(key.replace(/\+[0-9a-f]{8}\+/, (hash) => hash.toUpperCase()))],
    ['key-short', logged(key.slice(0, -4))],
    ['key-bare', logged(key.slice(key.lastIndexOf('+') + 1))],
    ['key-base64url', logged(key.replaceAll('/', '_').replace(/=*$/, ''))],
    ['key-space', logged(`${key} `)],
    ['key-line-end', logged(`${key}\n`)],
    ['exporters-text', { exporters: EXPORTER.did }],
    ['exporters-twice', { exporters: [EXPORTER.did, EXPORTER.did] }],
    ['exporter-method', { exporters: ['did:example:a'] }],
    ['exporter-empty', { exporters: [''] }],
    ['exporters-65', { exporters: Array.from({ length: 65 }, (_, i) => `did:web:${i}.example`) }],
    ['emitters-twice', { emitters: [GATEWAY.did, GATEWAY.did] }],
    ['emitter-number', { emitters: [1] }],
    ['emitters-null', { emitters: null }],
    ['anchors-twice', { anchors: [ANCHOR, ANCHOR] }],
    ['anchor-unknown-member', { anchors: [{ ...ANCHOR, sub: STRANGER.did }] }],
    ['anchor-no-grants', { anchors: [{ ...ANCHOR, grants: [] }] }],
    ['anchor-scope', { anchors: [{ ...ANCHOR, grants: [{ scope: 'tool:a*b', ops: ['read'] }] }] }],
    ['anchor-no-tenant', { anchors: [without(ANCHOR, 'tenant')] }],
    ['witnesses-differ', witnessed(both, { vkey: second.vkey, witnesses: [w1, w2], quorum: 1 })],
    ['witness-twice', witnessed({ witnesses: [w1, w1], quorum: 1 })],
    ['witness-alias', witnessed({ witnesses: [w1, cosigner('alias.example', STRANGER)], quorum: 1 })],
    ['witness-is-the-log', witnessed({ witnesses: [cosigner('w1.example', LOG_KEY)], quorum: 1 })],
    ['witness-is-another-key-of-the-log', witnessed({ witnesses: [cosigner('w', EXPORTER)] }, second)],
    ['witness-of-type-1', witnessed({ witnesses: [vkey('w1.example', STRANGER)] })],
    ['quorum-of-more', witnessed({ witnesses: [w1, w2], quorum: 3 })],
    ['quorum-alone', witnessed({ quorum: 1 })],
    ['quorum-negative', witnessed({ witnesses: [w1], quorum: -1 })],
    ['quorum-text', witnessed({ witnesses: [w1], quorum: '1' })],
    ['policies-object', { policies: { [one]: [] } }],
    ['policy-twice', listed(one, one)],
    ['policy-short', listed(one.slice(1))],
    ['policy-capitals', listed('A'.repeat(64))],
    ['policy-unknown-member', { policies: [{ policy: one, anchors: [], until: 1 }] }],
    ['policy-no-hash', { policies: [{ anchors: [] }] }],
    ['policy-no-anchors', { policies: [{ policy: one }] }],
    ['policy-anchors-twice', { policies: [{ policy: one, anchors: [ANCHOR, ANCHOR] }] }],
    ['policy-anchor-no-tenant', { policies: [{ policy: one, anchors: [without(ANCHOR, 'tenant')] }] }],
  ];
  const no = (id: string, text: string) => n.no(id, 'AUD-19', id, { text }, 'MALFORMED');
  for (const [id, changes] of changed) no(id, jcs({ ...TRUST, ...changes }));
  for (const name of Object.keys(TRUST)) no(`no-${name}`, jcs(without(TRUST, name)));
  const text = jcs(TRUST);
  no('nothing', '');
  no('null', 'null');
  no('array', `[${text}]`);
  no('two-values', text + text);
  no('cut', text.slice(0, -1));
  no('bom', `\ufeff${text}`);
  no('member-twice', text.replace('{', `{"format":"talos-trust-v1",`));
  no('comment', `${text}// trusted`);
  return n.done();
}
