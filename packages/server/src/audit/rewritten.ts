import type { Log } from '../platform/log.js';
import type { Metrics } from '../platform/metrics/metrics.js';
import type { SignedCheckpoint } from './checkpoint.js';

/** What is found where the checkpoint is shown; undefined if it is gone. */
export type Shown = SignedCheckpoint | 'foreign' | undefined;

/** Names that the checkpoint which is shown is not the one that was signed last, before it is written anew: whoever put
 *  an older state back, or took it away, would otherwise leave no trace (AUD-77). */
export type OnRewrite = (shown: Shown, last: number) => void;

export function createRewriteReport(metrics: Metrics, log: Log): OnRewrite {
  const rewritten = metrics.counter({
    name: 'talos_audit_checkpoint_rewritten_total',
    help: 'Times that the checkpoint beside the tiles was older than the one signed last, foreign or gone, and was written anew.',
    labels: ['found'],
  });
  return (shown, last) => {
    const found = nameOf(shown);
    rewritten.with({ found }).add();
    log.error(`the checkpoint beside the tiles ${SAID[found]}; it is written anew`, {
      code: `CHECKPOINT_${found.toUpperCase()}`,
      path: 'checkpoint',
      size: last,
      ...(typeof shown === 'object' ? { count: shown.size } : {}),
      ...(found === 'older' ? { hint: HINT } : {}),
    });
  };
}

const SAID = { older: 'went back', foreign: 'is none of this log', gone: 'is gone' } as const;

const HINT =
  'a process that was killed as it signed leaves it one checkpoint behind; otherwise an older state was put back: size is what was signed, count what was shown';

function nameOf(shown: Shown): keyof typeof SAID {
  if (shown === undefined) return 'gone';
  return shown === 'foreign' ? 'foreign' : 'older';
}
