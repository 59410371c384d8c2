import type { Denial } from '@talosprotocol/sdk';
import type { World } from './world.js';

/** What happened in one step of the demo, as it is told and as `--json` gives it. */
export interface StepReport {
  readonly id: string;
  readonly title: string;
  /** True only if everything came out as it should. */
  readonly ok: boolean;
  /** Lines for people. */
  readonly lines: readonly string[];
  /** For programs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  run(world: World): Promise<StepOutcome>;
}

export interface StepOutcome {
  readonly ok: boolean;
  readonly lines: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** How one refusal is told: code, failing link, caveat or item, and what would grant it. */
export function describeDenial({ code, link, caveat, item, hint }: Denial): readonly string[] {
  const where = [
    ...(link === undefined ? [] : [link === 0 ? 'trust anchor' : `link ${link}`]),
    ...(caveat === undefined ? [] : [`caveat: ${caveat}`]),
    ...(item === undefined ? [] : [`needs: ${item}`]),
  ];
  return [`refused: ${[code, ...where].join(', ')}`, ...(hint === undefined ? [] : [`hint: ${hint}`])];
}
