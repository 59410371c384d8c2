import type { Decision } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalBytes } from '../encoding/jcs.js';
import type { JsonObject, JsonValue } from '../encoding/json.js';
import { type Actions, createActions } from './actions.js';
import { ALLOW, authorize } from './authorize.js';
import type { CheckedItem } from './items.js';
import {
  compileProgram,
  FAST_ALLOW,
  FAST_DENY,
  FAST_UNDECIDED,
  type FastDecision,
  type Program,
} from './program.js';
import type { VerifiedCapability } from './verified.js';
import type { ArgumentsMemo } from './where/memo.js';

/** Decides calls as `authorize` does, and faster where no argument matters: one for a process. */
export interface Authorizer {
  /** The numbers its programs know actions by. */
  readonly actions: Actions;
  /** The program of a capability's grants; capabilities with equal grants share one. */
  programOf(capability: VerifiedCapability): Program;
  /** The decision of `authorize`, word for word. It compiles a capability that it is asked about a second time, unless
   *  `programOf` did so before. The program knows actions that have a number: see `actions.intern`. */
  authorize(
    capability: VerifiedCapability,
    items: readonly CheckedItem[],
    args: JsonObject,
    memo?: ArgumentsMemo,
  ): Decision;
}

/** Bounds of an authorizer. */
export interface AuthorizerLimits {
  /** Most actions with a number; 4096 by default. */
  readonly actions?: number;
  /** Most programs that are found again by their grants; 16,384 by default. */
  readonly programs?: number;
}

/** Makes an authorizer without any program. */
export function createAuthorizer(crypto: CryptoProvider, limits: AuthorizerLimits = {}): Authorizer {
  const actions = createActions(limits.actions ?? 4096);
  const programs = createProgramIndex(actions, limits.programs ?? 16_384, crypto);
  return {
    actions,
    programOf: programs.of,
    authorize(capability, items, args, memo) {
      const program = programs.ofKnown(capability);
      // A refusal is explained by what decides it in full, so that both say the same.
      if (program !== undefined && decideItems(program, actions, items) === FAST_ALLOW) return ALLOW;
      const decision = authorize(capability, items, args, memo);
      // Only what is allowed gets a number: whoever makes names up does not use them up.
      if (program !== undefined && decision === ALLOW) for (const item of items) actions.intern(item);
      return decision;
    },
  };
}

/** What a program says of all items of a call. A call without items is undecided. */
export function decideItems(program: Program, actions: Actions, items: readonly CheckedItem[]): FastDecision {
  let all: FastDecision = items.length === 0 ? FAST_UNDECIDED : FAST_ALLOW;
  for (const item of items) {
    const one = program.decide(actions.find(item), item.scope);
    if (one === FAST_DENY) return FAST_DENY;
    if (one === FAST_UNDECIDED) all = FAST_UNDECIDED;
  }
  return all;
}

interface ProgramIndex {
  of(capability: VerifiedCapability): Program;
  /** Undefined the first time: most capabilities that are verified for one call are never seen again. */
  ofKnown(capability: VerifiedCapability): Program | undefined;
}

/** Programs by what they are made of; the oldest is forgotten first, and lives on with the capabilities that have it. */
function createProgramIndex(actions: Actions, capacity: number, crypto: CryptoProvider): ProgramIndex {
  const byContent = new Map<string, Program>();
  const byCapability = new WeakMap<VerifiedCapability, Program | 'seen'>();

  function compile(capability: VerifiedCapability): Program {
    const content = contentOf(capability, crypto);
    const program = byContent.get(content) ?? compileProgram(capability.grants, actions);
    byContent.delete(content);
    byContent.set(content, program);
    const [oldest] = byContent.keys();
    if (byContent.size > capacity) byContent.delete(oldest as string);
    byCapability.set(capability, program);
    return program;
  }
  function of(capability: VerifiedCapability): Program {
    const known = byCapability.get(capability);
    return known === undefined || known === 'seen' ? compile(capability) : known;
  }
  return {
    of,
    ofKnown(capability) {
      if (byCapability.has(capability)) return of(capability);
      byCapability.set(capability, 'seen');
      return undefined;
    },
  };
}

function contentOf({ grants }: VerifiedCapability, crypto: CryptoProvider): string {
  const sources = grants.map((link) => link.map(({ source }) => source)) as unknown as JsonValue;
  return crypto.sha256Hex(canonicalBytes(sources));
}
