import type { GuardVerdict } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Finding } from './detect/finding.js';
import type { GuardPolicy } from './guard.js';

/** Counts what guards find in one message, and says what follows. */
export interface Tally {
  add(guard: GuardPolicy, findings: readonly Finding[]): void;
  /** The guard could not look. */
  fail(guard: GuardPolicy): void;
  /** What of a `mask` has no place that could be masked: it is blocked. */
  cannotMask(guard: GuardPolicy): void;
  /** Why the message goes no further; undefined if it does. */
  refusal(): TrustError | undefined;
  /** One for each guard, in their order. */
  verdicts(): readonly GuardVerdict[];
}

interface Row {
  readonly found: Map<string, number>;
  failed: boolean;
  blocked: boolean;
}

export function createTally(guards: readonly GuardPolicy[]): Tally {
  const rows = new Map<GuardPolicy, Row>(
    guards.map((guard) => [guard, { found: new Map(), failed: false, blocked: false }]),
  );
  const row = (guard: GuardPolicy): Row => rows.get(guard) as Row;
  return {
    add(guard, findings) {
      const own = row(guard);
      for (const { type } of findings) own.found.set(type, (own.found.get(type) ?? 0) + 1);
      if (findings.length > 0 && guard.action === 'block') own.blocked = true;
    },
    fail(guard) {
      const own = row(guard);
      own.failed = true;
      if (!guard.passesFailure) own.blocked = true;
    },
    cannotMask(guard) {
      row(guard).blocked = true;
    },
    refusal() {
      for (const [guard, own] of rows) if (own.blocked) return refusalOf(guard, own);
      return undefined;
    },
    verdicts: () => [...rows].map(([guard, own]) => verdictOf(guard, own)),
  };
}

function verdictOf({ name, action }: GuardPolicy, { found, failed, blocked }: Row): GuardVerdict {
  return {
    guard: name,
    action: blocked ? 'block' : found.size > 0 ? action : 'allow',
    ...(found.size > 0 ? { found: Object.fromEntries(found) } : {}),
    ...(failed ? { failed: true as const } : {}),
  };
}

const DOCUMENT = 'A PDF is not read here: send what it says as text';

/** Says what was found and by whom, and nothing of its words. */
function refusalOf({ name, action }: GuardPolicy, { found, failed }: Row): TrustError {
  if (failed)
    return new TrustError('CONTENT_REFUSED', `the guard ${name} could not look`, {
      caveat: `guard ${name}`,
      hint: `The guard ${name} could not look at it, so it goes no further. Try again; if it stays so, tell the operator.`,
    });
  const types = [...found].map(([type, count]) => `${type} (${count})`).join(', ');
  const rest = action === 'mask' ? ' where it cannot be masked' : '';
  return new TrustError('CONTENT_REFUSED', `the guard ${name} found ${types}`, {
    caveat: `guard ${name}`,
    hint: `The guard ${name} found ${types}${rest}. ${found.has('document') ? DOCUMENT : 'Leave it out'}, or ask the operator.`,
  });
}
