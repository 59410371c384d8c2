import type { Conflict, SplitView } from '@talosprotocol/contracts';
import { type Cosignature, isTrustError, readCosignatures, type TrustedLog } from '@talosprotocol/protocol';
import { type Finding, findingOf } from './finding.js';
import type { LogClient, NotedCheckpoint } from './log-client.js';
import type { Memory } from './monitor-state.js';

/** What the parts of a look share. */
export interface Look {
  readonly client: LogClient;
  readonly memory: Memory;
  /** Unix milliseconds. */
  readonly now: number;
  readonly patienceMs: number;
  readonly lagMs: number;
}

/** What a look at the log came to. */
export interface Followed {
  /** The largest checkpoint of the one history that is followed. */
  readonly known: NotedCheckpoint | undefined;
  /** What the log shows now, whatever it is; undefined if it shows nothing that it signed. */
  readonly shown: NotedCheckpoint | undefined;
  readonly found: readonly Finding[];
}

/** Holds what the log shows to what it showed before. */
export async function followLog(look: Look, known: NotedCheckpoint | undefined): Promise<Followed> {
  const { client } = look;
  let shown: NotedCheckpoint | undefined;
  try {
    shown = await client.checkpoint();
    if (known !== undefined && shown.checkpoint.size < known.checkpoint.size)
      return { known, shown, found: await findRollback(look, known, shown) };
    const fork = known === undefined ? undefined : await client.findFork(known, shown);
    if (fork === undefined) await assertShowsTiles(client, shown, known);
    look.memory.failing.delete(client.url);
    look.memory.failing.delete(lagOf(client));
    const found = forkFinding('fork', client.url, fork);
    return found === undefined ? { known: shown, shown, found: [] } : { known, shown, found: [found] };
  } catch (error) {
    return { known, shown, found: patiently(look, findingOf(error, client.url)) };
  }
}

const lagOf = ({ url }: LogClient): string => `${url} lag`;

/** A smaller log. If what is shown is part of what was seen, and the tiles of that are there, nothing is lost: it may come
 *  from a cache. Else whoever shows less may have taken back the rest, and the two checkpoints are what is left. */
async function findRollback(
  { client, memory, now, lagMs }: Look,
  known: NotedCheckpoint,
  shown: NotedCheckpoint,
): Promise<readonly Finding[]> {
  const [before, after] = [known.checkpoint.size, shown.checkpoint.size];
  const since = memory.failing.get(lagOf(client)) ?? now;
  memory.failing.set(lagOf(client), since);
  const conflict: Conflict = { format: 'talos-conflict-v1', seen: [known.note, shown.note] };
  const rollback: Finding = {
    kind: 'rollback',
    url: client.url,
    detail: `the log had ${before} entries and shows ${after}`,
    evidence: conflict,
  };
  try {
    await client.tree(known).leafHash(before - 1);
    const fork = forkFinding('fork', client.url, await client.findFork(shown, known));
    memory.failing.delete(client.url);
    if (fork !== undefined) return [fork];
    return now - since >= lagMs ? [rollback] : [];
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return [rollback];
  }
}

/** What a proof of a split view is evidence of; nothing without one. */
export function forkFinding(
  kind: 'fork' | 'split-view',
  url: string,
  evidence: SplitView | undefined,
): Finding | undefined {
  if (evidence === undefined) return undefined;
  const detail =
    kind === 'fork'
      ? 'the log signed another history than the one it showed before'
      : 'the log signed another history for this view than for the others';
  return { kind, url, detail, evidence };
}

/** A checkpoint without the tiles it states would be a promise only. */
async function assertShowsTiles(
  client: LogClient,
  shown: NotedCheckpoint,
  known: NotedCheckpoint | undefined,
): Promise<void> {
  const { size } = shown.checkpoint;
  if (size > (known?.checkpoint.size ?? 0)) await client.tree(shown).leafHash(size - 1);
}

/** No answer is a finding once there was none for some time. */
export function patiently({ memory, now, patienceMs }: Look, finding: Finding): readonly Finding[] {
  if (finding.kind !== 'unreachable') return [finding];
  const since = memory.failing.get(finding.url) ?? now;
  memory.failing.set(finding.url, since);
  return now - since >= patienceMs ? [finding] : [];
}

/** Who of the witnesses cosigned what is shown, and whether they were enough. */
export function findWitnesses(
  look: Look,
  { witnesses }: TrustedLog,
  shown: NotedCheckpoint,
): { readonly cosignatures: readonly Cosignature[]; readonly found: readonly Finding[] } {
  if (witnesses === undefined) return { cosignatures: [], found: [] };
  const { memory, now, patienceMs, client } = look;
  const missing = (detail: string): Finding => ({ kind: 'witnesses', url: client.url, detail });
  try {
    const { cosignatures, quorum, isReached } = readCosignatures(shown.note, witnesses);
    if (isReached) memory.witnessed = now;
    const isLate = !isReached && now - memory.witnessed >= patienceMs;
    const detail = `${cosignatures.length} of ${quorum} witnesses cosigned the checkpoint of ${shown.checkpoint.size}`;
    return { cosignatures, found: isLate ? [missing(detail)] : [] };
  } catch (error) {
    return { cosignatures: [], found: [missing(findingOf(error, client.url).detail)] };
  }
}
