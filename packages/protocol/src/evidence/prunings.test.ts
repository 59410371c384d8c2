import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { createPrunings } from './prunings.js';
import { commitTo, type Draft, exportBundle, sequence, trustFile } from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const { member: actor } = commitTo('actor', { kind: 'service', id: 'svc_1', how: 'key' });
const TIME = '2026-06-01T00:00:00.000Z';

type Event = Parameters<ReturnType<typeof createPrunings>['follow']>[0];
const pruned = (members: object): Event =>
  ({
    type: 'log.pruned',
    time: TIME,
    of: 'age',
    from: 0,
    to: 512,
    before: '2026-05-01T00:00:00.000Z',
    size: 600,
    root: 'ab'.repeat(32),
    ...members,
  }) as Event;

const follow = (...events: Event[]) => {
  const prunings = createPrunings();
  for (const event of events) prunings.follow(event, 700);
};

// AUD-111
describe('a pruning', () => {
  it('is of whole bundles below a checkpoint, one behind the other', () => {
    expect(() => follow(pruned({}))).not.toThrow();
    expect(() => follow(pruned({ to: 256 }), pruned({ from: 256 }))).not.toThrow();
    expect(() => follow(pruned({ of: 'request', actor }))).not.toThrow();
  });

  it.each<[string, object, RegExp]>([
    ['of nothing', { from: 512 }, /whole bundles/],
    ['of half a bundle', { to: 500 }, /whole bundles/],
    ['from the middle of a bundle', { from: 3 }, /whole bundles/],
    ['beyond its checkpoint', { size: 511 }, /whole bundles/],
    ['under a checkpoint that was to come', { size: 701 }, /whole bundles/],
    ['of what was to come', { before: '2026-06-01T00:00:00.001Z' }, /were to come/],
    ['by nobody, on request', { of: 'request' }, /who asked/],
    ['by somebody, by age', { actor }, /who asked/],
  ])('is not proven: %s', (_, members, reason) => {
    expect(() => follow(pruned(members))).toThrow(reason);
  });

  it('is not proven of what was pruned before', () => {
    expect(() => follow(pruned({}), pruned({ from: 256, to: 512 }))).toThrow(/pruned before/);
  });

  it('is looked at in every bundle', () => {
    const draft = pruned({ size: 600 });
    const { of, from, to, before, size, root } = draft;
    const members = { of, from, to, before, size, root };
    const bundle = exportBundle(
      sequence([{ type: 'log.pruned', sub: null, members, disclosures: [] } as Draft]),
    );
    expect(() => verifyBundle(bundle, parseTrustFile(trustFile(), crypto), crypto)).toThrow(/whole bundles/);
  });
});
