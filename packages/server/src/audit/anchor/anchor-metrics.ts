import { type CryptoProvider, encodeUtf8 } from '@talosprotocol/protocol';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { AnchorLoop, AnchorStatus } from './anchor-loop.js';

/** How far the log is anchored, by place. `loops` gives them once they run. */
export function measureAnchors(
  metrics: Metrics,
  crypto: Pick<CryptoProvider, 'sha256Hex'>,
  loops: () => readonly AnchorLoop[],
): void {
  const gauge = (name: string, help: string, read: (status: AnchorStatus) => number): void =>
    metrics.gauge({ name, help, labels: ['place'] }, (observe) => {
      for (const loop of loops()) {
        const status = loop.status();
        observe(read(status), { place: labelOf(status.place, crypto) });
      }
    });
  gauge(
    'talos_audit_anchor_lag_entries',
    'Events below the last signed checkpoint that no anchor covers whose block was looked at.',
    ({ lag }) => lag.entries,
  );
  gauge(
    'talos_audit_anchor_lag_seconds',
    'How old the oldest event is that no anchor covers whose block was looked at.',
    ({ lag }) => lag.seconds,
  );
  gauge(
    'talos_audit_anchor_failing',
    '1 while something stands in the way of anchoring, else 0.',
    ({ fault }) => (fault === undefined ? 0 : 1),
  );
  gauge(
    'talos_audit_anchor_blind',
    '1 while it cannot be seen who else anchors the log there, else 0.',
    ({ blind }) => (blind === undefined ? 0 : 1),
  );
  gauge(
    'talos_audit_anchor_unseen_blocks',
    'Confirmed blocks in which others who anchor the log were not looked for yet.',
    ({ unseen }) => unseen,
  );
  gauge(
    'talos_audit_anchor_alarms',
    'Forks, foreign anchors and reorganisations since the start that an operator must look at.',
    ({ alarms }) => alarms.length,
  );
}

/** What a place is called in metrics: its kind and its chain, and what keeps two of one chain apart without their addresses,
 *  which are too long for a label and nobody's who reads metrics. */
export function labelOf(place: string, { sha256Hex }: Pick<CryptoProvider, 'sha256Hex'>): string {
  const [kind, chain, ...addresses] = place.split(' ');
  if (addresses.length === 0) return place;
  return `${kind} ${chain} ${sha256Hex(encodeUtf8(addresses.join(' '))).slice(0, 8)}`;
}
