import type { Metrics } from '../platform/metrics/metrics.js';
import type { Feed } from './revocation/feed.js';
import type { Sessions } from './session/sessions.js';

/** Of this node: sessions live in the memory of one. */
export function observeKernel(
  metrics: Metrics,
  { sessions, feed }: { readonly sessions: Sessions; readonly feed: Pick<Feed, 'silence' | 'head'> },
): void {
  metrics.gauge({ name: 'talos_sessions_open', help: 'Sessions that are open at this node.' }, (observe) =>
    observe(sessions.size(), {}),
  );
  metrics.gauge({ name: 'talos_sessions_most', help: 'Sessions there is memory for.' }, (observe) =>
    observe(sessions.capacity, {}),
  );
  metrics.gauge(
    {
      name: 'talos_revocation_feed_silence_seconds',
      help: 'For how long revocations may be unheard of here: writes are refused above 5, all calls above 60.',
    },
    (observe) => observe(feed.silence() / 1000, {}),
  );
  metrics.gauge(
    { name: 'talos_revocation_feed_entries', help: 'Entries of the revocation feed in force here.' },
    (observe) => observe(feed.head().n, {}),
  );
}
