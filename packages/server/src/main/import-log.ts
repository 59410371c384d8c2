import { createNoteVerifier, createWitnessPolicy, type LogFault } from '@talosprotocol/protocol';
import { openArchive } from '@talosprotocol/sdk/archive';
import type { Settings } from '../platform/settings.js';
import { clock } from '../platform/system.js';
import { withOfflineLog } from './offline-log.js';
import { createProgress, type TellProgress } from './progress.js';
import { inForce, witnessesOf } from './rooms.js';

const MAX_LISTED = 1_000;

/** `import-log`: brings a whole log back from an archive, into the empty data folder of the platform whose keys it has. */
export async function importLog(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  path: string,
  tell: TellProgress,
): Promise<object> {
  const archive = await openArchive(path);
  try {
    return await withOfflineLog(settings, env, async ({ foundation, sql, policy, tiles, hasher }) => {
      const { importLog: bring } = await import('../audit/archive/import-log.js');
      const { identities, crypto, log } = foundation;
      const { witnesses, quorum } = witnessesOf(policy);
      const keys = witnesses.map(({ vkey }) => vkey);
      const faults: LogFault[] = [];
      let count = 0;
      const imported = await bring({
        archive,
        sql,
        tiles,
        vkey: identities.vkey,
        verifier: createNoteVerifier(crypto, identities.vkey),
        emitter: identities.gateway.did,
        tenant: policy.defaultTenant,
        hasher,
        crypto,
        policy: inForce(policy),
        witnesses: createWitnessPolicy(crypto, { witnesses: keys, quorum }).witnesses,
        clock,
        log,
        onFault: (fault) => {
          count += 1;
          if (faults.length < MAX_LISTED) faults.push(fault);
        },
        onProgress: createProgress(tell),
      });
      const policies = imported.policies.map(({ policy: hash, anchors }) => ({
        policy: hash,
        issuers: anchors.map(({ iss }) => iss),
      }));
      return { ok: count === 0, ...imported, policies, count, faults };
    });
  } finally {
    await archive.close();
  }
}
