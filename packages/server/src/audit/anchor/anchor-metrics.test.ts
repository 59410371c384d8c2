import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { expect, it } from 'vitest';
import { createMetrics } from '../../platform/metrics/metrics.js';
import type { AnchorLoop, AnchorStatus } from './anchor-loop.js';
import { labelOf, measureAnchors } from './anchor-metrics.js';

const crypto = createNodeCrypto();
const address = (digit: string): string => `0x${digit.repeat(40)}`;
const evm = (chain: number, anchorer = 'b'): string =>
  `evm eip155:${chain} ${address('a')} ${address(anchorer)}`;

function loopAt(place: string, entries: number): AnchorLoop {
  const status = { place, lag: { entries, seconds: 0 }, alarms: [], unseen: 0 } as Partial<AnchorStatus>;
  return { start: () => undefined, stop: async () => undefined, status: () => status as AnchorStatus };
}

// AUD-40, AUD-95
it('places keep apart in metrics, and no address is in them', () => {
  const metrics = createMetrics();
  const places = ['opentimestamps', evm(1), evm(9_007_199_254_740_991), evm(1, 'c')];
  measureAnchors(metrics, crypto, () => places.map((place, i) => loopAt(place, i + 1)));
  const text = metrics.text();
  for (const [i, place] of places.entries()) {
    const label = labelOf(place, crypto);
    expect(text).toContain(`talos_audit_anchor_lag_entries{place="${label}"} ${i + 1}\n`);
    expect(label).toMatch(/^(?:opentimestamps|evm eip155:[0-9]+ [0-9a-f]{8})$/);
  }
  expect(text).not.toContain('"other"');
  expect(text).not.toContain('aaaaaaaa');
});
