import { type Data, hex, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { GATEWAY, hash } from './chain.js';
import { ORIGIN, type Recorded, uuid } from './events.js';
import { RECORDED } from './evidence.js';

export function eventNoun(): Noun {
  const n = createNoun(
    'event',
    'event is read as an audit event (AUD-1 to AUD-5); expect.hash is its event_hash (AUD-2).',
  );
  for (const [index, { event }] of RECORDED.entries())
    n.ok(
      `${index}-${event['type']}`,
      'AUD-2',
      `an event of type ${event['type']}`,
      { event },
      { hash: hex(sha256(jcs(event))) },
    );
  const opened = (RECORDED[0] as Recorded).event;
  const decision = (RECORDED[3] as Recorded).event;
  const no = (id: string, spec: string, event: Data) => n.no(id, spec, id, { event }, 'MALFORMED');
  const members = [
    'v',
    'id',
    'time',
    'type',
    'origin',
    'tenant',
    'emitter',
    'eseq',
    'prev',
    'principal',
    'boot',
  ];
  for (const name of members) no(`no-${name}`, 'AUD-1', without(opened, name));
  const revoked = {
    ...without(opened, 'boot', 'policy', 'size'),
    type: 'revocation',
    lid: hash('l'),
    by: 'issuer',
  };
  const jwsOf = (length: number) => `e30.${'A'.repeat(length - 91)}.${'A'.repeat(86)}`;
  const revocation = (length: number): Members => ({
    ...revoked,
    revocation: length > 16_384 ? null : jwsOf(length),
    chain_hash: hash('c'),
  });
  for (const [id, event] of [
    ['revocation-max', revocation(16_384)],
    ['revocation-long', revocation(16_385)],
  ] as const)
    n.ok(
      id,
      'CAP-25',
      'named by its chain where it is too long',
      { event },
      { hash: hex(sha256(jcs(event))) },
    );
  const actor = { $c: hex(sha256('actor')) };
  const refused = { surface: 'admin', effect: 'deny', code: 'FORBIDDEN', credential: { kind: 'bearer' } };
  const loaded = { ...without(opened, 'boot', 'size'), type: 'policy.loaded' };
  const byAdministrator = { ...revoked, by: 'administrator', revocation: null, chain_hash: null, actor };
  for (const [id, event] of [
    ['revocation-actor', byAdministrator],
    ['policy-loaded', loaded],
    ['decision-forbidden', { ...decision, ...refused, actor }],
    ['decision-unauthenticated', { ...decision, ...refused, code: 'UNAUTHENTICATED' }],
    ['policy-loaded-actor', { ...loaded, actor }],
  ] as const)
    n.ok(id, 'AUD-4', 'who did it on the admin surface', { event }, { hash: hex(sha256(jcs(event))) });
  no('actor-plain', 'AUD-4', { ...byAdministrator, actor: { kind: 'service', id: 'svc', how: 'key' } });
  no('actor-null', 'AUD-4', { ...byAdministrator, actor: null });
  no('actor-elsewhere', 'AUD-4', { ...opened, actor });
  no('policy-loaded-no-policy', 'AUD-4', without(loaded, 'policy'));
  no('revocation-too-long', 'CAP-25', { ...revocation(16_384), revocation: jwsOf(16_385) });
  no('revocation-no-chain-hash', 'AUD-4', without(revocation(16_385), 'chain_hash'));
  const bad: [string, string, Members][] = [
    ['unknown-member', 'AUD-1', { note: 'x' }],
    ['event-hash', 'AUD-2', { event_hash: '0'.repeat(64) }],
    ['v-2', 'AUD-1', { v: 2 }],
    ['v-text', 'AUD-1', { v: '1' }],
    ['unknown-type', 'AUD-4', { type: 'log.closed' }],
    ['inherited-type', 'AUD-4', { type: 'constructor' }],
    ['id-prefix', 'ENC-4', { id: `rcp_${uuid(0)}` }],
    ['id-bare', 'ENC-4', { id: uuid(0) }],
    ['time-no-fraction', 'ENC-3', { time: '2026-09-21T13:33:20Z' }],
    ['time-offset', 'ENC-3', { time: '2026-09-21T13:33:20.000+00:00' }],
    ['eseq-0', 'AUD-1', { eseq: 0 }],
    ['eseq-text', 'AUD-1', { eseq: '1' }],
    ['prev-short', 'ENC-2', { prev: '00' }],
    ['prev-upper', 'ENC-2', { prev: 'A'.repeat(64) }],
    ['policy-base64', 'ENC-2', { policy: 'A'.repeat(43) }],
    ['size-negative', 'AUD-4', { size: -1 }],
    ['emitter', 'ID-1', { emitter: 'gateway' }],
    ['principal-text', 'AUD-1', { principal: GATEWAY.did }],
    ['pseq-0', 'AUD-1', { principal: { sub: GATEWAY.did, pseq: 0 } }],
    ['no-pseq', 'AUD-1', { principal: { sub: GATEWAY.did } }],
    ['origin-scheme', 'AUD-10', { origin: `https://${ORIGIN}` }],
  ];
  for (const [id, spec, changes] of bad) no(id, spec, { ...opened, ...changes });
  const decisions: [string, string, Members][] = [
    ['effect', 'AUD-4', { effect: 'denied' }],
    ['code-unknown', 'AUD-4', { effect: 'deny', code: 'NOPE' }],
    ['code-transport', 'AUD-4', { effect: 'deny', code: 'INTERNAL' }],
    ['code-not-found', 'AUD-4', { effect: 'deny', surface: 'admin', code: 'NOT_FOUND' }],
    ['items-plain', 'AUD-4', { items: [] }],
    ['commitment-member', 'AUD-3', { items: { $c: '0'.repeat(64), salt: 'x' } }],
    ['credential-kind', 'AUD-5', { credential: { kind: 'cookie' } }],
    ['credential-secret', 'AUD-5', { credential: { kind: 'bearer', key: 'x' } }],
    ['credential-token', 'AUD-5', { credential: { kind: 'bearer', token: 'x' } }],
    ['action-arguments', 'AUD-5', { action: { method: 'tools/call', arguments: {} } }],
    ['source-address', 'AUD-5', { source: '127.0.0.1' }],
  ];
  const outcome = (RECORDED[4] as Recorded).event;
  const euro = { amount: 250_000, currency: 'EUR' };
  for (const [id, event] of [
    ['decision-held', { ...decision, held: euro }],
    ['outcome-cost', { ...outcome, cost: { ...euro, amount: 1 } }],
  ] as const)
    n.ok(id, 'AUD-85', 'what it may cost, and did', { event }, { hash: hex(sha256(jcs(event))) });
  for (const [id, held] of [
    ['held-null', null],
    ['held-zero', { ...euro, amount: 0 }],
    ['held-float', { ...euro, amount: 0.5 }],
    ['held-text', { ...euro, amount: '250000' }],
    ['held-unsafe', { ...euro, amount: 2 ** 53 }],
    ['held-lower', { ...euro, currency: 'eur' }],
    ['held-member', { ...euro, tokens: 1 }],
  ] as const)
    no(id, 'AUD-85', { ...decision, held });
  no('cost-negative', 'AUD-85', { ...outcome, cost: { ...euro, amount: -1 } });
  no('cost-of-decision', 'AUD-85', { ...decision, cost: euro });
  no('held-of-outcome', 'AUD-85', { ...outcome, held: euro });
  for (const [id, spec, changes] of decisions) no(`decision-${id}`, spec, { ...decision, ...changes });
  return n.done();
}
