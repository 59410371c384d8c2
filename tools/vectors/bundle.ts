import { b64url, type Data, flip, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { AGENT, ANCHOR, extend, GATEWAY, hash, ONE, STRANGER, SUB_AGENT, TWO } from './chain.js';
import {
  BEARER,
  BEARER_ROOT,
  type Draft,
  decided,
  item,
  ORIGIN,
  POLICY,
  principal,
  type Recorded,
  record,
  requestHash,
  STORY,
  timeOf,
} from './events.js';
import { bundleText, type Making, RECORDED, type SelectionMaking, selectionText, TRUST } from './evidence.js';
import { jws, type Party, party } from './keys.js';
import { POP, PROOF, SID } from './session.js';
import { vkey } from './tree.js';

const FORGER = party('forger');
const ENTRIES = record(STORY);

/** The story with one draft changed, recorded again as an emitter that lies would. */
function told(index: number, changes: Members): Recorded[] {
  return record(STORY.map((draft, i) => (i === index ? { ...draft, ...changes } : draft)) as typeof STORY);
}

/** Events changed after they were recorded, then logged: their numbers and hashes no longer follow. */
function altered(index: number, changes: Members): Recorded[] {
  return ENTRIES.map((one, i) => (i === index ? { ...one, event: { ...one.event, ...changes } } : one));
}

export function bundleNoun(): Noun {
  const n = createNoun(
    'bundle',
    'bundle is the text of a bundle, verified with trust, a trust file (AUD-16 to AUD-22). Every invalid one is not proven (exit code 3), whatever is wrong with it.',
  );
  const good = bundleText();
  const given = (bundle: string, trust: Members = TRUST): Members => ({ bundle, trust });
  n.ok('whole', 'AUD-16', 'a whole log', given(good), { proven: true });
  n.ok('range', 'AUD-17', 'its middle', given(bundleText({ from: 2, to: 6 })), { proven: true });
  n.ok(
    'undisclosed',
    'AUD-3',
    'nothing disclosed',
    given(bundleText({ entries: (all) => all.map((one) => ({ ...one, disclosures: [] })) })),
    { proven: true },
  );
  n.ok('session', 'AUD-22', 'calls in a session', given(bundleText({ recorded: record(inSession()) })), {
    proven: true,
  });
  n.ok('limit', 'AUD-22', 'calls up to their limit', given(bundleText({ recorded: record(limited(2)) })), {
    proven: true,
  });
  const under = (listed: readonly Data[], others: readonly Data[] = []): Members => ({
    ...TRUST,
    anchors: others,
    policies: [{ policy: POLICY, anchors: listed }],
  });
  const [anchor] = TRUST['anchors'] as [Members];
  n.ok('policy', 'AUD-19', 'the anchor is gone since', given(good, under([anchor])), { proven: true });
  n.ok(
    'policy-narrowed',
    'AUD-19',
    'the anchor is narrower since',
    given(good, under([anchor], [{ ...anchor, grants: [{ scope: 'tool:other', ops: ['read'] }] }])),
    { proven: true },
  );
  n.ok(
    'boot-skipped',
    'AUD-22',
    'a start that was killed left a number out',
    given(
      bundleText({ recorded: record([...STORY, { type: 'log.opened', boot: 3, policy: POLICY, size: 7 }]) }),
    ),
    { proven: true },
  );
  const no = (id: string, spec: string, bundle: string, trust: Members = TRUST) =>
    n.no(id, spec, id, given(bundle, trust), 'PROOF_NOT_PROVEN');
  const made = (id: string, spec: string, making: Making) => no(id, spec, bundleText(making));

  no('line-end', 'AUD-16', `${good}\n`);
  no('space', 'AUD-16', good.replace('{"checkpoint"', '{ "checkpoint"'));
  no('cut', 'AUD-16', good.slice(0, -1));
  no('empty', 'AUD-16', '');
  no('escaped', 'AUD-16', good.replace('"decision"', '"d\\u0065cision"'));
  made('unknown-member', 'AUD-16', { content: { comment: 'x' } });
  made('format', 'AUD-16', { content: { format: 'talos-bundle-v2' } });
  no('no-statement', 'AUD-16', jcs(without(JSON.parse(good) as Members, 'statement')));

  made('log-forged', 'AUD-21', { log: FORGER });
  made('all-forged', 'AUD-21', { log: FORGER, exporter: FORGER });
  made('exporter-forged', 'AUD-21', { exporter: FORGER });
  made('statement-size', 'AUD-18', { statement: { size: 8 } });
  made('statement-root', 'AUD-18', { statement: { root: '0'.repeat(64) } });
  made('statement-origin', 'AUD-18', { statement: { origin: 'talos.example/log/other' } });
  made('statement-from', 'AUD-18', { statement: { from: 1 } });
  made('statement-to', 'AUD-18', { statement: { to: 6 } });
  made('statement-hash', 'AUD-18', { statement: { hash: '0'.repeat(64) } });
  made('statement-iss', 'AUD-18', { statement: { iss: STRANGER.did } });
  made('statement-member', 'AUD-18', { statement: { note: 'x' } });
  no('statement-bit', 'AUD-18', bitOfStatement(good));

  made('dropped', 'AUD-17', { entries: (all) => all.filter((_, i) => i !== 5) });
  made('dropped-last', 'AUD-17', { entries: (all) => all.slice(0, -1) });
  made('repeated', 'AUD-17', { entries: (all) => [...all.slice(0, 4), all[3] as Members, ...all.slice(4)] });
  made('swapped', 'AUD-17', {
    entries: (all) => [...all.slice(0, 3), all[4] as Members, all[3] as Members, ...all.slice(5)],
  });
  made('swapped-renumbered', 'AUD-21', {
    entries: (all) => [
      ...all.slice(0, 3),
      { ...(all[4] as Members), index: 3 },
      { ...(all[3] as Members), index: 4 },
      ...all.slice(5),
    ],
  });
  made('event-changed', 'AUD-21', {
    entries: (all) =>
      all.map((one, i) =>
        i === 5 ? { ...one, event: { ...(one['event'] as Members), effect: 'allow', code: null } } : one,
      ),
  });
  made('proof-changed', 'AUD-21', {
    entries: (all) =>
      all.map((one, i) =>
        i === 5 ? { ...one, proof: [b64url(sha256('x')), ...(one['proof'] as string[]).slice(1)] } : one,
      ),
  });
  made('proof-short', 'AUD-21', {
    entries: (all) =>
      all.map((one, i) => (i === 5 ? { ...one, proof: (one['proof'] as string[]).slice(1) } : one)),
  });
  made('range-empty', 'AUD-17', { from: 3, to: 3 });
  made('range-beyond', 'AUD-17', { content: { range: { from: 0, to: 8 } }, statement: { to: 8 } });

  made('emitter', 'AUD-21', { recorded: altered(6, { emitter: STRANGER.did }) });
  made('origin', 'AUD-21', { recorded: altered(6, { origin: 'talos.example/log/other' }) });
  made('eseq-gap', 'AUD-21', { recorded: altered(6, { eseq: 8 }) });
  made('eseq-start', 'AUD-21', { recorded: altered(0, { eseq: 2 }) });
  made('prev', 'AUD-21', { recorded: altered(6, { prev: '0'.repeat(64) }) });
  made('prev-null', 'AUD-21', { recorded: altered(6, { prev: null }) });
  made('pseq-gap', 'AUD-21', {
    recorded: told(5, { principal: { sub: SUB_AGENT.did, prn: 'mailto:owner@example.com', pseq: 4 } }),
  });
  made('pseq-again', 'AUD-21', {
    recorded: told(5, { principal: { sub: SUB_AGENT.did, prn: 'mailto:owner@example.com', pseq: 2 } }),
  });
  made('time-backwards', 'AUD-21', { recorded: told(6, { time: timeOf(-1) }) });

  const disclosed = (change: (all: Members[]) => Members[]) => ({
    entries: (all: Members[]) =>
      all.map((one, i) => (i === 3 ? { ...one, disclosures: change(one['disclosures'] as Members[]) } : one)),
  });
  made(
    'disclosure-value',
    'AUD-3',
    disclosed((all) => all.map((one) => ({ ...one, value: [] }))),
  );
  made(
    'disclosure-twice',
    'AUD-21',
    disclosed((all) => [...all, all[0] as Members]),
  );
  made(
    'disclosure-of-nothing',
    'AUD-3',
    disclosed((all) => [...all, { pointer: '/forwarded_hash', salt: b64url(sha256('x')), value: 1 }]),
  );

  made('chain-cth', 'AUD-22', { recorded: told(2, { cth: hash(ONE) }) });
  made('chain-forged', 'AUD-22', { recorded: told(2, { chain: forgedChain(), cth: hash(forgedChain()) }) });
  made('chain-missing', 'AUD-22', { recorded: record(STORY.filter((_, i) => i !== 2)) });
  made('principal-other', 'AUD-22', {
    recorded: told(3, { principal: { sub: AGENT.did, prn: 'mailto:owner@example.com', pseq: 1 } }),
  });
  made('allow-without-principal', 'AUD-22', { recorded: told(3, { principal: null }) });
  made('allow-without-cth', 'AUD-22', { recorded: told(3, { credential: { kind: 'bearer' } }) });
  made('allow-not-granted', 'AUD-22', {
    recorded: told(3, {
      secret: { items: item('/etc/passwd'), request_hash: requestHash('/etc/passwd') },
    }),
  });
  made('allow-after-revocation', 'AUD-22', {
    recorded: record([
      ...STORY.slice(0, 3),
      {
        type: 'revocation',
        lid: hash(BEARER_ROOT),
        by: 'administrator',
        revocation: null,
        chain_hash: null,
        time: timeOf(0),
      } as never,
      ...STORY.slice(3),
    ]),
  });
  made('deny-without-code', 'AUD-22', { recorded: told(5, { code: null }) });
  made('deny-with-pin', 'AUD-22', { recorded: told(5, { pin: 'cd'.repeat(32) }) });
  made('outcome-twice', 'AUD-22', {
    recorded: record([
      ...STORY.slice(0, 5),
      {
        ...(STORY[4] as Members),
        principal: { sub: SUB_AGENT.did, prn: 'mailto:owner@example.com', pseq: 3 },
      } as never,
    ]),
  });
  made('outcome-of-denial', 'AUD-22', {
    recorded: told(4, { decision: (ENTRIES[5] as Recorded).event['id'] as string }),
  });
  made('outcome-other-request', 'AUD-22', {
    recorded: told(4, { request: (ENTRIES[5] as Recorded).event['request'] as string }),
  });
  made('session-not-opened', 'AUD-22', {
    recorded: told(3, {
      credential: {
        kind: 'session',
        cth: hash(TWO),
        sid: `ses_${b64url(Buffer.alloc(28, 1))}`,
        seq: 1,
        rid: '01997aa5-1c00-7000-8000-0000000000aa',
      },
    }),
  });

  made('session-replayed', 'AUD-22', { recorded: record(inSession({ seq: 1 })) });
  made('session-proof-of-other', 'AUD-22', { recorded: record(inSession({ signer: AGENT })) });
  made('session-proof-for-other', 'AUD-22', {
    recorded: record(inSession({ proof: { aud: STRANGER.did } })),
  });
  made('session-proof-cth', 'AUD-22', { recorded: record(inSession({ proof: { cth: hash(ONE) } })) });
  made('limit-exceeded', 'AUD-22', { recorded: record(limited(1)) });
  made('allow-not-bearer', 'CAP-22', { recorded: record(inSession({ kind: 'bearer' })) });
  made('allow-expired', 'AUD-22', { recorded: record(limited(2, { time: timeOf(931) })) });

  no('policy-without-anchor', 'AUD-19', good, under([], [anchor]));
  no(
    'policy-narrower',
    'AUD-19',
    good,
    under([{ ...anchor, grants: [{ scope: 'tool:other', ops: ['read'] }] }], [anchor]),
  );
  no('policy-no-bearer', 'AUD-19', good, under([{ ...anchor, bearerMax: 0 }], [anchor]));
  no('policy-other-tenant', 'AUD-19', good, under([{ ...anchor, tenant: 'other' }], [anchor]));
  made('boot-again', 'AUD-22', {
    recorded: record([...STORY, { type: 'log.opened', boot: 1, policy: POLICY, size: 7 }]),
  });

  no('trusts-nothing', 'AUD-20', good, { ...TRUST, logs: [], exporters: [], emitters: [], anchors: [] });
  no('trusts-other-key', 'AUD-21', good, {
    ...TRUST,
    logs: [{ origin: ORIGIN, vkey: vkey(ORIGIN, FORGER) }],
  });
  no('trusts-no-exporter', 'AUD-21', good, { ...TRUST, exporters: [GATEWAY.did] });
  no('trusts-no-emitter', 'AUD-21', good, { ...TRUST, emitters: [] });
  no('trusts-no-anchor', 'AUD-22', good, { ...TRUST, anchors: [] });
  selections(n);
  return n.done();
}

/** The story and a count of it: 2 chain, 3 call (1), 4 outcome (2), 5 denial (3), 7 count. */
function countedStory(pseq = 3, size = 7): Recorded[] {
  const targets = [BEARER_ROOT, BEARER].map((chain) => hash(chain.split('~').at(-1) as string));
  const dids = [ANCHOR['iss'] as string, AGENT.did, SUB_AGENT.did];
  return record([
    ...STORY,
    {
      type: 'log.counted',
      size,
      agents: [{ sub: SUB_AGENT.did, pseq }],
      endings: [...targets, ...dids].map((target) => ({ target, count: 0 })),
    },
  ]);
}

/** Bundles of the second form: all of one agent. */
function selections(n: ReturnType<typeof createNoun>): void {
  const byAgent: SelectionMaking = {
    recorded: countedStory(),
    to: 7,
    show: [2, 3, 4, 5, 7],
    selection: { filter: { agents: [SUB_AGENT.did] }, complete: [SUB_AGENT.did], endings: true },
  };
  const given = (making: SelectionMaking): Members => ({
    bundle: selectionText({ ...byAgent, ...making }),
    trust: TRUST,
  });
  const ok = (id: string, spec: string, making: SelectionMaking): void =>
    n.ok(`agent-${id}`, spec, id, given(making), { proven: true });
  const no = (id: string, spec: string, making: SelectionMaking): void =>
    n.no(`agent-${id}`, spec, id, given(making), 'PROOF_NOT_PROVEN');
  const windowed = (since: number, until: number): Members => ({
    filter: { agents: [SUB_AGENT.did], since: timeOf(since), until: timeOf(until) },
    complete: [SUB_AGENT.did],
    endings: true,
  });
  ok('whole', 'AUD-50', { recorded: RECORDED, to: 7, show: [0, 1, 2, 3, 4, 5, 6], selection: {} });
  ok('all', 'AUD-56', {});
  ok('window', 'AUD-52', { show: [2, 3, 4, 5, 7], from: 4, to: 5, selection: windowed(4, 5) });
  ok('earlier', 'AUD-60', { earlier: [1, 5, 8] });
  ok('no-claim', 'AUD-56', { show: [2, 3], selection: { filter: { agents: [SUB_AGENT.did] } } });
  no('left-out', 'AUD-56', { show: [2, 3, 4, 7] });
  no('last-left-out', 'AUD-56', { show: [2, 3, 4, 5] });
  no('count-short', 'AUD-55', { recorded: countedStory(2) });
  no('count-long', 'AUD-56', { recorded: countedStory(4) });
  no('count-early', 'AUD-56', { recorded: countedStory(2, 5) });
  no('count-ahead', 'AUD-55', { recorded: countedStory(3, 8) });
  no('chain-left-out', 'AUD-54', { show: [3, 4, 5, 7] });
  no('decision-left-out', 'AUD-54', { show: [2, 4, 5, 7], from: 4 });
  no('window-shifted', 'AUD-52', { from: 4, to: 5, selection: windowed(3, 5) });
  no('window-unbounded', 'AUD-52', { show: [2, 4, 5, 7], from: 4, to: 5, selection: windowed(4, 5) });
  no('order', 'AUD-51', { entries: (all) => [all[1] as Members, all[0] as Members, ...all.slice(2)] });
  no('twice', 'AUD-51', { entries: (all) => [...all.slice(0, 2), ...all.slice(1)] });
  no('hash-missing', 'AUD-51', {
    entries: (all) => all.map((one, i) => (i === 0 ? { ...one, before: [] } : one)),
  });
  no('hash-other', 'AUD-51', {
    entries: (all) => all.map((one, i) => (i === 0 ? { ...one, before: [b64url(sha256('x'))] } : one)),
  });
  no('rest-other', 'AUD-51', {
    show: [2, 3, 4, 5],
    content: { rest: [b64url(sha256('x')), b64url(sha256('y'))] },
  });
  no('not-all', 'AUD-53', { show: [0, 1, 2, 3, 4, 6, 7], to: 8, selection: {} });
  no('discloses', 'AUD-58', {
    selection: { ...(byAgent.selection as Members), redaction: 'commitments' },
  });
  no('discloses-unasked', 'AUD-58', {
    selection: { filter: { agents: [SUB_AGENT.did], effect: 'allow' }, complete: [SUB_AGENT.did] },
  });
  no('trust-inside', 'AUD-50', { content: { trust: TRUST } });
}

/** The chain with a bit of its last signature turned. */
function forgedChain(): string {
  const at = BEARER.lastIndexOf('.') + 1;
  return `${BEARER.slice(0, at)}${b64url(flip(Buffer.from(BEARER.slice(at), 'base64url'), 3))}`;
}

function bitOfStatement(text: string): string {
  const bundle = JSON.parse(text) as Members;
  const statement = bundle['statement'] as string;
  const at = statement.lastIndexOf('.') + 1;
  return jcs({
    ...bundle,
    statement: `${statement.slice(0, at)}${b64url(flip(Buffer.from(statement.slice(at), 'base64url'), 40))}`,
  });
}

/** A start, a session, and two calls in it. */
function inSession(change: { seq?: number; signer?: Party; proof?: Members; kind?: string } = {}): Draft[] {
  const { seq = 2, signer = SUB_AGENT, proof = {}, kind = 'session' } = change;
  const credential = (number: number): Members =>
    kind === 'session'
      ? { kind, cth: hash(TWO), sid: SID, seq: number, rid: `01997aa5-1c00-7000-8000-00000000000${number}` }
      : { kind, cth: hash(TWO) };
  const call = (index: number, number: number): Draft =>
    decided(index, index, {
      credential: credential(number),
      secret: { items: item('/docs/a.md'), request_hash: requestHash('/docs/a.md') },
    });
  return [
    { type: 'log.opened', boot: 1, policy: POLICY, size: 0 },
    { type: 'chain', cth: hash(TWO), chain: TWO },
    {
      type: 'session.opened',
      sid: SID,
      cth: hash(TWO),
      exp: timeOf(900),
      proof: jws(POP, { ...PROOF, ...proof }, signer),
      principal: principal(SUB_AGENT.did, 1),
    },
    call(2, 1),
    call(3, seq),
  ];
}

/** A start, a chain with a limit of calls, and two calls. */
function limited(calls: number, last: Members = {}): Draft[] {
  const chain = extend(BEARER_ROOT, AGENT, SUB_AGENT.did, {
    bearer: true,
    aud: [GATEWAY.did],
    limits: [{ per: 'total', calls }],
  });
  const call = (index: number, more: Members = {}): Draft =>
    decided(index, index, {
      credential: { kind: 'bearer', cth: hash(chain) },
      secret: { items: item('/docs/a.md'), request_hash: requestHash('/docs/a.md') },
      ...more,
    });
  return [
    { type: 'log.opened', boot: 1, policy: POLICY, size: 0 },
    { type: 'chain', cth: hash(chain), chain },
    call(1),
    call(2, last),
  ];
}
