import type { AuditEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { proveAnchored, trustOf } from '../../anchor/testing/evm-chain.js';
import { portableCrypto as crypto } from '../../crypto/portable.js';
import { encodeHex } from '../../encoding/hex.js';
import { TrustError } from '../../error.js';
import { rootOf } from '../../log/compact-tree.js';
import { createTreeHasher } from '../../log/hash.js';
import type { BundleReport } from '../bundle-report.js';
import { eventBytes } from '../event.js';
import { failedEvidence } from '../given.js';
import { notProven } from '../not-proven.js';
import {
  chainEvent,
  type Draft,
  decisionEvent,
  exportBundle,
  makeChain,
  NOW,
  ORIGIN,
  type Sequenced,
  sequence,
  sessionEvent,
  signerOf,
  trustFile,
  worker,
} from '../testing/ledger.js';
import { exportSelection, type SelectionOptions } from '../testing/selection.js';
import { parseTrustFile } from '../trust-file.js';
import { inspectBundle, verifyBundle } from '../verify-bundle.js';
import { type Account, NEVER_SHOWN } from './account.js';
import { accountOfBundle, accountOfUntrusted } from './bundle-account.js';
import { filterOf } from './calls.js';
import { accountOfFailure } from './failure.js';
import { chainName, countOf, listOf, moneyOf, secondOf, spendingOf } from './phrase.js';
import { accountOfReceipt } from './receipt-account.js';

const trust = parseTrustFile(trustFile(), crypto);
const chain = makeChain();
const cost = { amount: 1_250_000, currency: 'EUR' };
const priced = decisionEvent(chain, { members: { held: { amount: 2_000_000, currency: 'EUR' } } });
const drafts: Draft[] = [
  chainEvent(chain),
  sessionEvent(chain),
  priced,
  decisionEvent(chain, { members: { effect: 'deny', code: 'SCOPE_MISMATCH' } }),
  decisionEvent(chain, { items: null }),
  {
    type: 'log.counted',
    sub: null,
    members: {
      size: 5,
      agents: [{ sub: worker.did, pseq: 4 }],
      endings: [...new Set(chain.links.flatMap(({ lid, claims }) => [lid, claims.iss, claims.sub]))].map(
        (target) => ({ target, count: 0 }),
      ),
    },
  },
];
const events = sequence(drafts);
const verified = (options: SelectionOptions = {}, trusted = trust): BundleReport =>
  verifyBundle(exportSelection(events, options), trusted, crypto);
const tell = (options: SelectionOptions = {}): Account => accountOfBundle(verified(options), trust);
const all = ({ headline, shown, notShown }: Account): string => [headline, ...shown, ...notShown].join('\n');
/** Each of whom there is one record, and it is shown that there are no more. */
const runsOf = (complete: readonly string[]) =>
  new Map(complete.map((sub) => [sub, { records: 1, counted: undefined }]));
const ofWorker = { filter: { agents: [worker.did] }, complete: [worker.did], endings: true };

describe('the account of a bundle (AUD-62)', () => {
  it('says of a range that nothing is missing, and on whose word', () => {
    const account = tell();
    expect(account.proven).toBe(true);
    expect(account.headline).toBe('These records are genuine, and of records 0 to 5 nothing is missing.');
    expect(account.shown[0]).toBe(
      `All of records 0 to 5 of the log ${ORIGIN} is here, from 2026-09-21 14:13:20 UTC to 2026-09-21 14:13:20 UTC. Since the log's key signed its state, none was removed, changed, moved, or put in.`,
    );
    expect(all(account)).toContain('2 calls were allowed and 1 refused.');
    expect(all(account)).toContain(
      'Each allowed call stood on a chain of grants that had not run out at that moment, and that no record in the file had ended by then: it',
    );
    expect(all(account)).toContain(
      'Of 1 allowed call it is shown what was asked for, and every grant in the chain allows it, conditions on arguments aside.',
    );
    expect(all(account)).toContain(
      'Of 1 allowed call only the tool or the model is shown, and every grant in the chain allows some call of it.',
    );
    expect(all(account)).toContain('2 calls were made in a session that the agent opened');
    expect(all(account)).toContain('The calls cost 0.00 EUR. At most 2.00 EUR more is held');
    expect(all(account)).toContain('what 1 allowed call was about: that was erased or is kept back, so that');
    expect(account.notShown).toEqual(expect.arrayContaining([...NEVER_SHOWN]));
    // AUD-23
    expect(all(account)).toContain(
      'that this is all there ever was: until somebody else had its state (you, a witness, a block), whoever has the key of the log could have written it anew',
    );
    expect(account.trusted.map(({ role }) => role)).toEqual(['log', 'may export', 'may record', 'may grant']);
    expect(account.trusted[0]?.name).toMatch(/^talos\.test\/1\/default \(key [0-9a-f]{8}\)$/);
  });

  it('says of an agent that nothing of it is missing', () => {
    const account = tell({ show: [0, 1, 2, 3, 4, 5], to: 5, selection: ofWorker, disclose: [2] });
    expect(account.headline).toBe(
      "These records are genuine, and in records 0 to 4 nothing of 1 agent is missing, by the log's own count.",
    );
    expect(all(account)).toContain(
      `Of ${worker.did} nothing is missing in records 0 to 4 (3 calls): what is booked on it is numbered, the numbers have no gap, and none is missing at either end, by the log's own count in record 5.`,
    );
    expect(all(account)).toContain('stood on a chain of grants that was in force at that moment: it begins');
    expect(all(account)).toContain('No grant that was used had been revoked');
    expect(all(account)).toContain('that is booked on nobody');
    const filter = {
      agents: [worker.did],
      effect: 'allow' as const,
      tools: ['fs'],
      capabilities: [chain.cth],
    };
    const part = tell({ to: 5, selection: { ...ofWorker, filter }, disclose: [2] });
    expect(all(part)).toContain(
      `2 of them are what was asked for: allowed calls of ${worker.did} of the tool fs under the grant ${chain.cth}.`,
    );
  });

  it('says where only the count of the log shows that there are no more, and that it is its word (AUD-55)', () => {
    const account = tell({ to: 5, selection: ofWorker, disclose: [] });
    expect(all(account)).toContain(
      "had been shut out, when it was used, by the log's own count of what had ended.",
    );
    const lines = account.notShown.filter((line) => line.includes('counted rightly'));
    expect(lines).toEqual([
      'that the log counted rightly where the numbers of 1 agent end, and how often a grant that was used, or somebody named in one, was ended: that is its own word, in record 5. It cannot take that back, and whoever reads all of the log sees whether it is true, unless what it counts was pruned',
    ]);
    const bare = { filter: { agents: [worker.did] }, complete: [worker.did] };
    const next = tell({ to: 4, show: [0, 1, 2, 3, 4], selection: bare, disclose: [] });
    expect(next.headline).toBe(
      'These records are genuine, and in records 0 to 3 nothing of 1 agent is missing.',
    );
    expect(all(next)).not.toMatch(/own count|counted rightly/);
    const report = { ...verified({ to: 5, selection: bare, disclose: [] }), endingCounts: [4] };
    expect(all(accountOfBundle(report, trust))).toMatch(
      /agent end, and how often .* in records 4 and 5\. It/,
    );
    // Where the file has every record, nobody's count is needed.
    expect(all(tell({ to: 5, selection: { complete: [worker.did], endings: true } }))).not.toMatch(
      /own count|rightly/,
    );
  });

  it('says of an agent that whose the records are that are not shown is the word of the log (AUD-56, AUD-62)', () => {
    const numbered = (pseq: number) => ({ principal: { sub: worker.did, pseq } });
    const told = (principal: object | null, options: SelectionOptions): Account => {
      // What is hidden here is a call of the agent that is booked on nobody or on another, or has a number that was given.
      const log = sequence([
        ...drafts.slice(0, 3),
        { ...decisionEvent(chain), forge: { principal } },
        { ...decisionEvent(chain), forge: numbered(3) },
        { ...decisionEvent(chain), forge: numbered(4) },
      ]);
      const selection = { filter: { agents: [worker.did] }, complete: [worker.did] };
      const bytes = exportSelection(log, { selection, disclose: [], ...options });
      return accountOfBundle(verifyBundle(bytes, trust, crypto), trust);
    };
    const word =
      'that is its own word. It cannot take that back, and whoever reads all of the log sees whether it is';
    const other = { sub: signerOf(100).did, pseq: 1 };
    for (const principal of [null, other, numbered(2).principal]) {
      const account = told(principal, { show: [0, 1, 2, 4, 5], to: 5 });
      expect(account.headline).toContain('in records 0 to 4 nothing of 1 agent is missing.');
      expect(account.notShown).toContain(
        `that the log booked the 1 record of the range that is not shown on whom it is of, and gave no number twice: ${word} true, unless it was pruned`,
      );
    }
    // Where every record of the range is shown, it is seen.
    expect(all(tell({ to: 5, selection: ofWorker, disclose: [] }))).not.toContain('that the log booked');
    const report = { ...verified({ to: 5, selection: ofWorker, disclose: [] }), shown: 3 };
    expect(all(accountOfBundle(report, trust))).toContain(
      'booked the 2 records of the range that are not shown on whom they are of, and gave no number twice: that is its own word. It cannot take that back, and whoever reads all of the log sees whether it is true, unless they were pruned',
    );
    // Nothing is said to be complete.
    const open = { ...report, selection: { ...report.selection, complete: [] } };
    expect(all(accountOfBundle(open, trust))).not.toContain('that the log booked');
  });

  it('says of a range in which an agent has nothing that there is nothing, and nowhere else (AUD-62)', () => {
    const selection = { filter: { agents: [worker.did] }, complete: [worker.did] };
    const told = (log: Sequenced[], options: SelectionOptions): Account =>
      accountOfBundle(verifyBundle(exportSelection(log, { ...options, selection }), trust, crypto), trust);
    const next = told(events, { show: [0, 1], to: 1, disclose: [] });
    expect(next.headline).toBe('In record 0 there is nothing of 1 agent.');
    expect(all(next)).toContain(
      `Of ${worker.did} there is nothing in record 0: what is booked on it is numbered, and no number is left for a record there.`,
    );
    const counted = { type: 'log.counted', sub: null } as const;
    const members = { size: 2, agents: [{ sub: worker.did, pseq: 0 }], endings: [] };
    const other = chainEvent(makeChain({ calls: 7 }));
    const log = sequence([chainEvent(chain), other, { ...counted, members }]);
    const last = told(log, { show: [2], to: 2 });
    expect(last.headline).toBe("In records 0 to 1 there is nothing of 1 agent, by the log's own count.");
    expect(all(last)).toContain("no number is left for a record there, by the log's own count in record 2.");
  });

  it('says for which times the records were asked for, and what bounds them (AUD-52)', () => {
    const log = sequence([10, 20, 36, 38].map((at) => ({ ...chainEvent(makeChain({ calls: at })), at })));
    const at = (seconds: number): string => `2026-09-21T14:13:${20 + seconds}.000Z`;
    const told = (from: number, to: number, filter: object): Account =>
      accountOfBundle(
        verifyBundle(exportSelection(log, { from, to, selection: { filter } }), trust, crypto),
        trust,
      );
    const both = told(1, 3, { since: at(15), until: '2026-09-21T14:13:55.250Z' });
    const asked = 'from 2026-09-21 14:13:35 UTC until 2026-09-21 14:13:55.250 UTC';
    expect(both.headline).toBe(
      `These records are genuine, and of records 1 to 2 (asked for: ${asked}) nothing is missing.`,
    );
    expect(both.shown[0]).toContain(`All of records 1 to 2 (asked for: ${asked}) of the log`);
    expect(both.shown[1]).toBe(
      'By the times that the log gives, the record before these is of before 2026-09-21 14:13:35 UTC, and the record after these is not of before 2026-09-21 14:13:55.250 UTC.',
    );
    expect(both.notShown[0]).toBe(
      `that no other record is of the time that was asked for (${asked}): the records beside these show that only as far as the times of the log run forward, and they may run back by 5 seconds`,
    );
    const late = told(1, 4, { since: at(15) });
    expect(late.headline).toContain('of records 1 to 3 (asked for: from 2026-09-21 14:13:35 UTC on) nothing');
    expect(late.shown[1]).toMatch(/gives, the record before these is of before [^,]*\.$/);
    const early = told(0, 1, { since: at(5), until: at(15) });
    expect(early.headline).toContain('of record 0 (asked for: from');
    expect(early.shown[1]).toMatch(/gives, no record stands before these, and the record after these is not/);
    const until = told(0, 4, { until: at(39) });
    expect(until.headline).toContain('(asked for: before');
    expect(until.shown[1]).toBe('By the times that the log gives, none stands after these.');
  });

  describe('refusals that are only counted (AUD-130)', () => {
    const summed = (count: number, sub: string | null = worker.did): Draft => ({
      type: 'denials',
      sub,
      members: { source: 'ab'.repeat(16), code: 'SCOPE_MISMATCH', minute: '2026-09-21T14:12:00.000Z', count },
    });
    const counted = (agents: readonly { sub: string; pseq: number }[], size: number): Draft => ({
      type: 'log.counted',
      sub: null,
      members: { size, agents, endings: [] },
    });
    const told = (given: readonly Draft[], options: SelectionOptions = {}): Account =>
      accountOfBundle(verifyBundle(exportSelection(sequence(given), options), trust, crypto), trust);
    const log = [...drafts.slice(0, 5), summed(1_240), counted([{ sub: worker.did, pseq: 5 }], 6)];
    const ofAgent = (filter: object): Account =>
      told(log, {
        to: 6,
        selection: { filter: { agents: [worker.did], ...filter }, complete: [worker.did] },
        disclose: [],
      });

    it('count as refused calls of the agent they are booked on', () => {
      const account = ofAgent({});
      expect(account.headline).toBe(
        "These records are genuine, and in records 0 to 5 nothing of 1 agent is missing, by the log's own count; 1,240 refusals in them are only counted.",
      );
      expect(all(account)).toContain(
        'in records 0 to 5 (1,243 calls, 1,240 of them refused and only counted): what',
      );
      expect(all(account)).toContain(
        '2 calls were allowed and 1,241 refused; 1,240 of the refusals are only counted.',
      );
      expect(all(account)).not.toContain('what was asked for');
      expect(all(account)).toContain(
        'what 1,240 refusals that are only counted were about, and whose they were beyond the word of the log:',
      );
      expect(all(account)).toContain('not yet summed up by the end of the records');
      expect(all(account)).not.toMatch(/only counted: that is booked on nobody/);
    });

    it('are said to be asked for where they surely were', () => {
      const refused = ` 1,241 of them are what was asked for: refused calls of ${worker.did}.`;
      expect(all(ofAgent({ effect: 'deny' }))).toContain(`1,240 of the refusals are only counted.${refused}`);
      const listed = 'of those that are recorded one by one';
      expect(all(ofAgent({ effect: 'allow' }))).toContain(` 2 ${listed} are what was asked for: allowed`);
      expect(all(ofAgent({ effect: 'deny', tools: ['fs'] }))).toContain(` 1 ${listed} is what`);
      expect(all(ofAgent({ effect: 'deny', capabilities: [chain.cth] }))).toContain(` 1 ${listed} is what`);
      const both = { agents: [worker.did, signerOf(100).did], effect: 'deny' };
      expect(all(ofAgent(both))).toContain(' 1,241 of them are what was asked for: refused calls of');
      // Whose they are was not asked.
      const selection = { filter: { effect: 'deny' as const }, complete: [worker.did] };
      expect(all(told(log, { to: 6, selection, disclose: [] }))).toContain(` 1 ${listed} is what`);
    });

    it('are nobody else’s, and nobody’s if they are booked on nobody', () => {
      const other = signerOf(100).did;
      const account = told([summed(1), summed(3, null), summed(2, other)]);
      expect(account.headline).toBe(
        'These records are genuine, and of records 0 to 2 nothing is missing; 6 refusals in them are only counted.',
      );
      expect(account.shown).toContain(
        '0 calls were allowed and 6 refused; 6 of the refusals are only counted (3 of these are booked on nobody).',
      );
      const one = told([summed(1), counted([], 1)], {
        to: 1,
        selection: { filter: { agents: [worker.did, other], effect: 'deny' } },
        disclose: [],
      });
      expect(one.shown).toContain('0 calls were allowed and 1 refused; 1 of the refusals is only counted.');
      expect(told([summed(1), summed(4)]).shown).toContain(
        '0 calls were allowed and 5 refused; 5 of the refusals are only counted.',
      );
      expect(told([summed(1)]).headline).toContain('; 1 refusal in them is only counted.');
      expect(all(told([summed(1)]))).toContain('what 1 refusal that is only counted was about');
    });

    it('count only in the range, and no further than numbers go', () => {
      const narrow = { filter: { tools: ['fs'] } };
      const beside = verified({ show: [0, 1, 2, 3], to: 3, selection: narrow, disclose: [] });
      expect(beside.counts).toMatchObject({ allowed: 1, denied: 0 });
      const report = verifyBundle(exportBundle(sequence([summed(5), summed(7)]), { from: 1 }), trust, crypto);
      expect(report.counts).toMatchObject({ summed: 7, unbooked: 0, denied: 0 });
      expect([...report.summed]).toEqual([[worker.did, 7]]);
      expect(() => told([summed(Number.MAX_SAFE_INTEGER), summed(1)])).toThrow(
        'they sum up more refusals than can be counted',
      );
    });
  });

  it('says of a tool alone that there may be more', () => {
    const selection = { filter: { tools: ['fs/read_text_file'], effect: 'deny' as const } };
    const account = tell({ show: [0, 1, 3], to: 5, selection, disclose: [] });
    expect(account.headline).toMatch(/Whether they are all there are is not\.$/);
    expect(account.notShown[0]).toBe(
      'that there are no other refused calls of the tool fs/read_text_file: that can be shown for agents that are named, or for a whole time',
    );
    expect(all(account)).toContain('that no grant had been revoked by a record that is not in the file');
    expect(all(account)).not.toContain('chain of grants');
    const nothing = tell({ show: [], to: 5, selection: { filter: { tools: ['none'] } } });
    expect(nothing.shown[0]).toMatch(/^The file shows 0 records of the log .*, out of records 0 to 4\.$/);
    expect(account.shown[0]).toMatch(/out of records 0 to 4\. Each is as it stood when the log's key signed/);
  });

  it('says what stands before a range of the first form', () => {
    const report = verifyBundle(exportBundle(events, { from: 2 }), trust, crypto);
    expect(all(accountOfBundle(report, trust))).toContain('that 2 allowed calls were right: their grants');
    const partly = { ...report, counts: { ...report.counts, unchecked: 1 } };
    expect(all(accountOfBundle(partly, trust))).toContain('Of the allowed calls 1 stood on a chain');
    const hidden = { ...partly, counts: { ...partly.counts, recomputed: 0 } };
    expect(all(accountOfBundle(hidden, trust))).not.toContain('it is shown what was asked for');
    const open = { ...partly, counts: { ...partly.counts, recomputed: 1 } };
    expect(all(accountOfBundle(open, trust))).not.toContain('only the tool or the model');
  });

  it('counts more agents than it names', () => {
    const complete = Array.from({ length: 10 }, (_, i) => signerOf(100 + i).did);
    const selection = { ...ofWorker, filter: { agents: complete }, redaction: 'full' as const, complete };
    const report = { ...verified(), selection, runs: runsOf(complete) };
    const account = accountOfBundle(report, trust);
    expect(account.headline).toContain('in records 0 to 5 nothing of 10 agents is missing');
    expect(all(account)).toContain('(no call)');
    expect(all(account)).toContain('The same holds for 2 more agents.');
  });

  it('counts those who were asked for, and says of the others that there may be more', () => {
    const ghost = signerOf(100).did;
    const told = (filter: object, complete: string[]): Account => {
      const selection = { filter, redaction: 'full' as const, complete, endings: true };
      return accountOfBundle({ ...verified(), selection, runs: runsOf(complete) }, trust);
    };
    const nobody = told({ agents: [worker.did] }, [ghost]);
    expect(nobody.headline).toBe('These records are genuine. Whether they are all there are is not.');
    expect(nobody.notShown[0]).toContain(`no other calls of ${worker.did}:`);
    const some = told({ agents: [ghost, worker.did] }, [ghost]);
    expect(some.headline).toBe(
      'These records are genuine, and in records 0 to 5 nothing of 1 of the 2 agents is missing.',
    );
    expect(some.notShown[0]).toContain(`no other calls of ${worker.did}:`);
    const both = told({ agents: [ghost, worker.did] }, [worker.did, ghost]);
    expect(both.headline).toContain('nothing of 2 agents is missing');
    expect(all(both)).not.toContain('no other calls');
    // Somebody whose chain is not shown may have called under the grant too.
    for (const name of [chain.cth, chain.root.lid]) {
      const granted = told({ capabilities: [name] }, [worker.did, ghost]);
      expect(granted.headline).toContain('nothing of 1 agent is missing');
      expect(granted.notShown[0]).toContain(`no other calls under the grant ${name}:`);
    }
    expect(told({ capabilities: ['another'] }, [worker.did]).headline).toMatch(/is not\.$/);
    expect(told({ tools: ['fs'] }, [worker.did]).headline).toMatch(/is not\.$/);
  });

  it('says what an agent signed itself', () => {
    const report = verified();
    const calls = report.calls.map((call) => ({
      ...call,
      event: { ...call.event, credential: { kind: 'proof' as const } },
    }));
    expect(all(accountOfBundle({ ...report, calls }, trust))).toContain(
      "2 calls carry the agent's own signature.",
    );
  });

  it('says who had seen it, and what the auditor kept', () => {
    const cosignatures = [
      { name: 'w1.example', keyId: 1, time: NOW },
      { name: 'w2.example', keyId: 2, time: NOW + 60 },
    ];
    const report = { ...verified(), cosignatures, quorum: 2 };
    const account = accountOfBundle(report, trust, 3);
    expect(all(account)).toContain(
      '2 witnesses that you trust (w1.example and w2.example) had seen this very state by 2026-09-21 14:14:20 UTC, by their own clocks',
    );
    expect(all(account)).toContain('The history of 3 records that you kept is the beginning of this one');
    expect(all(account)).toContain('Of the kept file only the signed state was looked at.');
    expect(all(account)).not.toContain('demands no witnesses');
    expect(all(tell())).toContain('demands no witnesses');
  });

  it('says before which block it existed', () => {
    const hasher = createTreeHasher(crypto.sha256);
    const leaves = events.map(({ event }) => hasher.leaf(eventBytes(event)));
    const anchored = (size: number) =>
      proveAnchored({ chain: 'eip155:1', contract: `0x${'c0'.repeat(20)}`, number: 19, time: NOW }, [
        {
          origin: ORIGIN,
          anchorer: `0x${'a1'.repeat(20)}`,
          size,
          root: encodeHex(rootOf(hasher, leaves.slice(0, size))),
        },
      ]);
    const told = (size: number): string => {
      const proof = anchored(size);
      const trusted = parseTrustFile(trustFile(trustOf(proof)), crypto);
      return all(accountOfBundle(verified({ anchors: [proof] }, trusted), trusted));
    };
    expect(told(6)).toContain('All of this existed before block 19 of Ethereum, which is of 2026-09-21');
    expect(told(6)).not.toContain('no block that your trust file names');
    expect(told(4)).toContain('What was in the log when it had 4 records existed before block 19');
    expect(told(4)).toContain('no block that your trust file names shows it');
    const unknown = all(tell({ anchors: [anchored(6)] }));
    expect(unknown).toMatch(
      /that it existed before a block of a chain: the trust file names no contract on eip155:1 for \S+\. If you trust it, add \{ "chain": "eip155:1", /,
    );
    const none = { proven: undefined, hint: undefined };
    const bitcoin = { kind: 'opentimestamps' as const, size: 6, reason: 'no', ...none };
    expect(all(accountOfBundle({ ...verified(), anchors: [bitcoin] }, trust))).toContain(
      'a block of Bitcoin: no',
    );
  });

  it('says without trust only that the file fits together', () => {
    const account = accountOfUntrusted(inspectBundle(exportSelection(events), crypto));
    expect(account).toMatchObject({ proven: false, headline: 'no trust file was given.' });
    expect(account.shown[0]).toContain(ORIGIN);
    expect(accountOfUntrusted(undefined).shown).toEqual(['The file is written as receipts are.']);
  });
});

describe('the account of a receipt (AUD-62)', () => {
  const of = (
    event: AuditEvent,
    cosignatures: { name: string; keyId: number; time: number }[] = [],
  ): Account => accountOfReceipt({ event, index: 2, size: 6, cosignatures, values: new Map() }, trust);

  it('says what happened, and what one record does not show', () => {
    const account = of(events[2]!.event);
    expect(account.shown[0]).toBe(
      `It is record 2 of the log ${ORIGIN}, of 2026-09-21 14:13:20 UTC: a call of ${worker.did} to fs/read_text_file was allowed.`,
    );
    expect(account.notShown[0]).toContain('a bundle has them');
    expect(all(account)).toContain('demands no witnesses');
    const seen = of(events[2]!.event, [{ name: 'w1', keyId: 1, time: NOW }]);
    expect(all(seen)).toContain('1 witness that you trust (w1)');
    expect(seen.trusted).toContainEqual({ role: 'witness', name: 'w1' });
    expect(all(of(events[3]!.event))).toContain('was refused (SCOPE_MISMATCH)');
    expect(all(of(events[1]!.event))).toContain(`${worker.did} opened a session`);
    expect(all(of({ ...events[1]!.event, principal: null }))).toContain('an agent opened a session');
    expect(all(of(events[0]!.event))).toContain('something of the kind chain');
    const stranger = {
      ...events[2]!.event,
      principal: null,
      action: { method: 'tools/list' },
      effect: 'deny',
      code: null,
    };
    expect(all(of(stranger as AuditEvent))).toContain(
      'a caller who showed no grant to tools/list was refused (no code)',
    );
    const ended = { ...events[0]!.event, type: 'outcome', status: 'revoked_during' };
    expect(all(of(ended as never))).toContain('a call ended, revoked during');
  });

  it('names a quorum of witnesses where the trust file has one', () => {
    const log = trust.logs.get(ORIGIN);
    const logs = new Map([[ORIGIN, { ...log!, witnesses: { witnesses: [], quorum: 1 } }]]);
    const { event } = events[2]!;
    const account = accountOfReceipt(
      { event, index: 2, size: 6, cosignatures: [], values: new Map() },
      { ...trust, logs },
    );
    expect(all(account)).not.toContain('demands no witnesses');
    expect(
      accountOfReceipt(
        { event, index: 2, size: 6, cosignatures: [], values: new Map() },
        { ...trust, logs: new Map() },
      ).trusted,
    ).toHaveLength(1);
  });
});

describe('the account of a failure (AUD-62)', () => {
  it('says what failed and what that means', () => {
    const account = accountOfFailure(notProven('complete', 'entry 7: event 3 is missing'));
    expect(account).toMatchObject({ proven: false, headline: 'entry 7: event 3 is missing.' });
    expect(account.shown).toEqual([
      'Something of an agent is missing, though the file says that nothing is.',
    ]);
    const meaning = (error: TrustError): string | undefined => accountOfFailure(error).shown[0];
    expect(meaning(notProven('toString', 'x'))).toContain('do not bear out');
    expect(meaning(notProven('revocation event', 'x'))).toContain('do not bear out');
    // A receipt names no check; what refused it at first says what that means.
    const first = (code: 'MALFORMED' | 'SIGNATURE_INVALID' | 'PROOF_NOT_PROVEN' | 'EXPIRED'): TrustError =>
      failedEvidence('r.json', new TrustError(code, 'x')) as TrustError;
    expect(meaning(first('MALFORMED'))).toContain('is not as it was made');
    expect(meaning(first('SIGNATURE_INVALID'))).toContain('is not signed by a key');
    expect(meaning(first('PROOF_NOT_PROVEN'))).toContain('is not the one that was logged');
    expect(meaning(first('EXPIRED'))).toContain('is not as it was made');
    expect(accountOfFailure(new TrustError('MALFORMED', 'no bundle', { reason: 'x\u202ey' })).headline).toBe(
      'x\\u{202e}y.',
    );
  });
});

describe('phrases', () => {
  it('are as people write them', () => {
    expect([countOf(1, 'call'), countOf(1_234, 'call'), countOf(2, 'is', 'are')]).toEqual([
      '1 call',
      '1,234 calls',
      '2 are',
    ]);
    expect(listOf(['a'])).toBe('a');
    expect(listOf(['a', 'b', 'c'])).toBe('a, b and c');
    expect(listOf(Array.from({ length: 10 }, (_, i) => `n${i}`))).toMatch(/n7 and 2 more$/);
    expect([moneyOf('1250000'), moneyOf('1'), moneyOf('0'), moneyOf('123456789')]).toEqual([
      '1.25',
      '0.000001',
      '0.00',
      '123.456789',
    ]);
    expect(spendingOf({ currency: cost.currency, spent: `${cost.amount}`, held: '0' })).toBe(
      'The calls cost 1.25 EUR.',
    );
    expect([chainName('bitcoin'), chainName('eip155:1'), chainName('eip155:7')]).toEqual([
      'Bitcoin',
      'Ethereum',
      'the chain eip155:7',
    ]);
    expect([filterOf({ agents: ['a'] }), filterOf({ capabilities: ['c'] })]).toEqual([
      'calls of a',
      'calls under the grant c',
    ]);
    expect(secondOf(2 ** 60)).toMatch(/ s after 1970$/);
  });
});
