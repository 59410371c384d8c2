import type { SplitView } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import { type Finding, findingOf } from './finding.js';
import type { LogClient, LogView, NotedCheckpoint } from './log-client.js';
import { forkFinding, type Look, patiently } from './monitor-look.js';

/** Holds what another view shows to what the log showed: smaller or as large by the tiles of the log, larger by those
 *  of the view; if it has none, once the log has grown to it. */
export async function compareView(
  look: Look,
  view: LogView,
  known: NotedCheckpoint,
): Promise<readonly Finding[]> {
  const { memory, client } = look;
  try {
    const [proof] = (await view.splitViews?.()) ?? [];
    if (proof !== undefined) return found(view, proof);
    const kept = memory.ahead.get(view.url);
    const before = kept === undefined ? undefined : view.verify(kept);
    const fork = before === undefined ? undefined : await compareBelow(client, before, known);
    if (fork !== undefined) return found(view, fork);
    if (before !== undefined && before.checkpoint.size <= known.checkpoint.size)
      memory.ahead.delete(view.url);
    const shown = await view.checkpoint();
    const split =
      shown.checkpoint.size > known.checkpoint.size
        ? await compareAbove(look, view, known, shown)
        : await client.findFork(shown, known);
    memory.failing.delete(view.url);
    return found(view, split);
  } catch (error) {
    return patiently(look, findingOf(error, view.url));
  }
}

function found(view: LogView, evidence: SplitView | undefined): readonly Finding[] {
  const finding = forkFinding('split-view', view.url, evidence);
  return finding === undefined ? [] : [finding];
}

async function compareBelow(
  client: LogClient,
  before: NotedCheckpoint,
  known: NotedCheckpoint,
): Promise<SplitView | undefined> {
  return before.checkpoint.size > known.checkpoint.size ? undefined : client.findFork(before, known);
}

async function compareAbove(
  { memory }: Look,
  view: LogView,
  known: NotedCheckpoint,
  shown: NotedCheckpoint,
): Promise<SplitView | undefined> {
  try {
    return await view.findFork(known, shown);
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'NOT_FOUND') throw error;
    if (!memory.ahead.has(view.url)) memory.ahead.set(view.url, shown.note);
    return undefined;
  }
}
