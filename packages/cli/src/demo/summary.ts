import { readFile } from 'node:fs/promises';
import { parseBundle } from '@talosprotocol/protocol';
import { crypto } from './capabilities.js';
import { part, type World } from './world.js';

/** The numbers at the end. */
export interface Summary {
  readonly decisions: { readonly total: number; readonly allowed: number; readonly denied: number };
  /** Milliseconds of a whole call, as the MCP client saw it. */
  readonly latency: { readonly calls: number; readonly median_ms: number; readonly p99_ms: number };
  readonly log: { readonly origin: string; readonly size: number; readonly root: string };
  readonly bundle: string;
  readonly trust: string;
}

/** Counts what the verified bundle holds: nothing here is counted by the demo itself but the latencies. */
export async function summarize(world: World): Promise<Summary> {
  const { path, trust } = part(world, 'bundle');
  const { bundle, claims } = parseBundle(await readFile(path), crypto);
  const effects = bundle.entries.flatMap(({ event }) => (event.type === 'decision' ? event.effect : []));
  const allowed = effects.filter((effect) => effect === 'allow').length;
  return {
    decisions: { total: effects.length, allowed, denied: effects.length - allowed },
    latency: latencyOf(world.latencies),
    log: { origin: claims.origin, size: claims.size, root: claims.root },
    bundle: path,
    trust,
  };
}

function latencyOf(samples: readonly number[]): Summary['latency'] {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const round = (value: number): number => Math.round(value * 100) / 100;
  return { calls: sorted.length, median_ms: round(at(0.5)), p99_ms: round(at(0.99)) };
}
