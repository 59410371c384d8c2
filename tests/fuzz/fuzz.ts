import { PROBLEMS } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import type { Decoder } from './decoder.js';
import { mutate, mutateBytes, mutateInside } from './mutate.js';
import { createRandom, type Random } from './random.js';

/** What a run over one decoder saw. */
export interface Run {
  readonly name: string;
  readonly seed: number;
  readonly runs: number;
  readonly accepted: number;
  /** The slowest attempt, in milliseconds, and what it was given. */
  readonly slowest: { readonly ms: number; readonly input: string };
  readonly faults: readonly string[];
}

const MAX_FAULTS = 5;
/** A refusal never repeats much of what it was given. */
const MAX_REFUSAL = 4096;

/** Feeds a decoder with mutated seeds until the time is over, at least `least` times. Input n depends on the seed and n
 *  alone, so that a fault can be shown again. */
export function fuzz(decoder: Decoder, options: { seed: number; seconds: number; least: number }): Run {
  const { seed, seconds, least } = options;
  const end = performance.now() + seconds * 1000;
  const faults: string[] = [];
  let [runs, accepted] = [0, 0];
  let slowest = { ms: 0, input: '' };
  while (faults.length < MAX_FAULTS && (runs < least || performance.now() < end)) {
    const input = inputOf(decoder, createRandom(seed + runs));
    const began = performance.now();
    const outcome = attempt(decoder, input);
    const ms = performance.now() - began;
    if (ms > slowest.ms) slowest = { ms, input: show(input) };
    if (outcome === 'accepted') accepted++;
    else if (outcome !== 'refused') faults.push(`input ${runs} of seed ${seed}: ${outcome}: ${show(input)}`);
    runs++;
  }
  return { name: decoder.name, seed, runs, accepted, slowest, faults };
}

function inputOf({ seeds, kind }: Decoder, random: Random): string | Uint8Array {
  const good = random.pick(seeds);
  if (kind === 'bytes') return mutateBytes(good, random, seeds);
  if (kind === 'jws' && random.below(3) > 0) return mutateInside(good, random, seeds);
  // Now and then nothing but noise.
  return mutate(random.below(50) === 0 ? '' : good, random, seeds);
}

function attempt(decoder: Decoder, input: string | Uint8Array): string {
  try {
    return decoder.check(input as never) ?? 'accepted';
  } catch (error) {
    if (!isTrustError(error)) return `threw ${error instanceof Error ? error.stack : String(error)}`;
    if (!Object.hasOwn(PROBLEMS, error.code)) return `the code ${error.code}`;
    const size = error.message.length + JSON.stringify(error.data).length;
    return size > (decoder.maxRefusal ?? MAX_REFUSAL) ? `a refusal of ${size} characters` : 'refused';
  }
}

function show(input: string | Uint8Array): string {
  const text =
    typeof input === 'string' ? JSON.stringify(input) : `hex ${Buffer.from(input).toString('hex')}`;
  return text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length})` : text;
}
