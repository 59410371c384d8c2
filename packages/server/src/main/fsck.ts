import { createNoteVerifier, type LogFault } from '@talosprotocol/protocol';
import type { Settings } from '../platform/settings.js';
import { withOfflineLog } from './offline-log.js';
import { createProgress, type TellProgress } from './progress.js';

/** Faults that are answered in full; the rest is counted. */
const MAX_LISTED = 1_000;

/** `fsck`: looks at the whole log of the data folder, with its database; changes nothing in it. */
export async function fsck(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  tell: TellProgress,
): Promise<object> {
  return withOfflineLog(settings, env, async ({ foundation, sql, tiles, hasher }) => {
    const { examineLog } = await import('../audit/archive/examine-log.js');
    const { identities, crypto } = foundation;
    const faults: LogFault[] = [];
    let count = 0;
    const examined = await examineLog({
      sql,
      hasher,
      crypto,
      source: tiles.read,
      shown: await tiles.readCheckpoint(),
      origin: identities.origin,
      verifier: createNoteVerifier(crypto, identities.vkey),
      onFault: (fault) => {
        count += 1;
        if (faults.length < MAX_LISTED) faults.push(fault);
      },
      onProgress: createProgress(tell),
    });
    return { ok: count === 0, ...examined, count, faults };
  });
}
