import {
  type AuthzenDecision,
  type AuthzenDecisions,
  AuthzenEvaluation,
  AuthzenEvaluations,
  type AuthzenSemantic,
  Chain,
  createChecker,
  type Decision,
  PROBLEMS,
  type ProblemCode,
} from '@talosprotocol/contracts';
import {
  isJsonObject,
  isTrustError,
  type JsonObject,
  type JsonValue,
  TrustError,
} from '@talosprotocol/protocol';
import type { Authorizing } from './authorizing.js';

/** Answers enforcement points that speak OpenID AuthZEN 1.0 (DEC-15 to DEC-17): the decisions are those of
 *  `POST /talos/v1/authorize`. */
export interface Authzen {
  /** @throws {TrustError} MALFORMED: the request is no evaluation */
  evaluate(request: JsonObject): Promise<AuthzenDecision>;
  /** A batch, or one decision if the request has no `evaluations`.
   *  @throws {TrustError} MALFORMED: the request is no batch */
  evaluateAll(request: JsonObject): Promise<AuthzenDecisions | AuthzenDecision>;
}

const checkOne = createChecker(AuthzenEvaluation);
const checkAll = createChecker(AuthzenEvaluations);
const checkChain = createChecker(Chain);

export function createAuthzen({ authorizing }: { readonly authorizing: Authorizing }): Authzen {
  const evaluateBy = async (decide: Authorizing['decide'], request: JsonObject): Promise<AuthzenDecision> => {
    const fault = checkOne(request);
    if (fault !== undefined) throw new TrustError('MALFORMED', `an evaluation: ${fault}`);
    return toAnswer(await decideOne(request as JsonObject & AuthzenEvaluation, decide));
  };
  const evaluate = (request: JsonObject) => evaluateBy(authorizing.decide, request);
  return {
    evaluate,
    evaluateAll: async (request) => {
      const fault = checkAll(request);
      if (fault !== undefined) throw new TrustError('MALFORMED', `a batch of evaluations: ${fault}`);
      const { evaluations = [], options, ...defaults } = request as JsonObject & AuthzenEvaluations;
      if (evaluations.length === 0) return evaluate(defaults);
      const semantic = options?.evaluations_semantic ?? 'execute_all';
      const merged = evaluations.map((one) => ({ ...defaults, ...(one as JsonObject) }));
      const decide = authorizing.together();
      const each = (request: JsonObject) => evaluateBy(decide, request);
      return { evaluations: await evaluateEach(merged, semantic, each) };
    },
  };
}

const LAST: Readonly<Record<AuthzenSemantic, boolean | undefined>> = {
  execute_all: undefined,
  deny_on_first_deny: false,
  permit_on_first_permit: true,
};

/** One after the other, so that a batch takes no more of us at a time than a single request. */
async function evaluateEach(
  requests: readonly JsonObject[],
  semantic: AuthzenSemantic,
  evaluate: (request: JsonObject) => Promise<AuthzenDecision>,
): Promise<AuthzenDecision[]> {
  const decisions: AuthzenDecision[] = [];
  for (const request of requests) {
    const decided = await evaluate(request).catch(toError);
    decisions.push(decided);
    if (decided.decision === LAST[semantic]) break;
  }
  return decisions;
}

/** One evaluation that is malformed does not fail the others, and denies (section 7.2.1 of AuthZEN). */
function toError(error: unknown): AuthzenDecision {
  if (!isTrustError(error) || error.code !== 'MALFORMED') throw error;
  const message = error.data.reason ?? PROBLEMS.MALFORMED.title;
  return { decision: false, context: { error: { status: 400, message }, code: 'MALFORMED' } };
}

function toAnswer(decision: Decision): AuthzenDecision {
  if (decision.effect === 'allow') return { decision: true };
  const { effect: _, ...reason } = decision;
  return { decision: false, context: reason };
}

/** What our mapping does not know is a denial with a reason, not an error: the question was well formed. */
async function decideOne(
  request: JsonObject & AuthzenEvaluation,
  decide: Authorizing['decide'],
): Promise<Decision> {
  try {
    const chain = chainOf(request);
    const args = argumentsOf(request);
    const asked = { chain, ...askedOf(request), ...(args === undefined ? {} : { arguments: args }) };
    return (await decide(asked, request.subject.id)).decision;
  } catch (error) {
    if (!isTrustError(error) || !PROBLEMS[error.code].decision) throw error;
    return denial(error.code, error.data.hint ?? error.data.reason ?? PROBLEMS[error.code].title);
  }
}

function denial(code: ProblemCode, hint: string): Decision {
  return { effect: 'deny', code, hint } as Decision;
}

/** The chain stands with the subject, or in the context. */
function chainOf({ subject, context }: AuthzenEvaluation): string {
  if (subject.type !== 'capability') {
    throw new TrustError('NO_CAPABILITY', 'the subject is no capability', {
      hint: 'subject.type must be "capability", and subject.properties.chain its chain.',
    });
  }
  const chain = onlyOne(subject.properties?.['chain'], context?.['chain'], 'chain');
  if (typeof chain === 'string') {
    const fault = checkChain(chain);
    if (fault === undefined) return chain;
    throw new TrustError('MALFORMED', 'the chain has not the form of one', {
      hint: 'subject.properties.chain or context.chain has to be a capability chain: one to eight links joined by ~, root first. Copy it whole.',
    });
  }
  throw new TrustError('NO_CAPABILITY', 'no chain was presented', {
    hint: 'Give the chain as subject.properties.chain or context.chain.',
  });
}

/** Arguments of a call, for the constraints of the grants. */
function argumentsOf({ resource, context }: AuthzenEvaluation): JsonObject | undefined {
  const args = onlyOne(resource.properties?.['arguments'], context?.['arguments'], 'arguments') as
    | JsonValue
    | undefined;
  if (args === undefined || isJsonObject(args)) return args;
  throw new TrustError('MALFORMED', 'arguments are not an object');
}

function onlyOne(first: unknown, second: unknown, what: string): unknown {
  if (first !== undefined && second !== undefined)
    throw new TrustError('MALFORMED', `${what} is given twice`);
  return first ?? second;
}

const KINDS: ReadonlySet<string> = new Set(['tool', 'llm', 'a2a', 'admin']);

/** A call of a tool, whose manifest gives the items, or one item as it is. */
function askedOf({ resource, action }: AuthzenEvaluation): JsonObject {
  if (!KINDS.has(resource.type)) {
    throw new TrustError('SCOPE_MISMATCH', 'the resource is of no known type', {
      hint: 'resource.type is one of tool, llm, a2a, admin.',
    });
  }
  if (action.name === 'call' && resource.type === 'tool') return { call: toolOf(resource.id) };
  if (action.name === 'read' || action.name === 'write') {
    return { items: [{ scope: `${resource.type}:${resource.id}`, op: action.name }] };
  }
  throw new TrustError('SCOPE_MISMATCH', 'the action is not known', {
    hint: 'action.name is read or write, or call for a resource of type tool.',
  });
}

/** As on `/mcp`: no server has `__` in its name (DEC-5). */
function toolOf(id: string): JsonObject {
  const at = id.indexOf('__');
  if (at > 0) return { server: id.slice(0, at), tool: id.slice(at + 2) };
  throw new TrustError('UNKNOWN_TOOL', 'the resource is no tool', {
    hint: 'Name a tool as <server>__<tool> to ask for a call of it.',
  });
}
