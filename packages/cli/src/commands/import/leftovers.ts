import { printable } from '../../printable.js';

export type Json = Readonly<Record<string, unknown>>;

/** What becomes of the members of a file: each is taken, or left out for a reason. What nobody spoke of is left out too. */
export interface Leftovers {
  /** The member of this object or array is taken over as a whole. */
  take(holder: object, ...members: readonly (string | number)[]): void;
  /** It is not, nor what is in it, for this reason; also where it was taken before. */
  leave(holder: object, member: string | number, why: string): void;
  /** Something that is no member of its own. */
  add(text: string): void;
  /** All that is left out of the file, each as its place and why; no value of it. */
  list(document: Json): readonly string[];
}

/** Far beyond any path that is meant. */
const MAX_LINE = 4096;

const NO_COUNTERPART = 'has no counterpart';
const BY_KEYS = 'who may use it is said by keys here: talos cap issue';
const BY_BUDGET = 'budgets are set with talos budget set';
const BY_RATE = 'limits stand in keys (talos cap issue --rate), or under rates in talos.yaml';
const BY_CACHE = 'say cacheSeconds of a provider in talos.yaml';
const BY_ALIAS = 'where a model has no answer the next one of its alias is asked';
const ON_FAILURE =
  'the next model is asked only where one has no answer: a request that fails is not said again';

/** What is there instead, for members that many files have. */
const INSTEAD: Readonly<Record<string, string>> = {
  team_id: BY_KEYS,
  access_groups: BY_KEYS,
  tags: BY_KEYS,
  master_key: 'keys for clients are made here: talos cap issue',
  max_budget: BY_BUDGET,
  budget_duration: BY_BUDGET,
  rpm: BY_RATE,
  tpm: BY_RATE,
  max_parallel_requests: BY_RATE,
  num_retries: BY_ALIAS,
  max_retries: BY_ALIAS,
  allowed_fails: BY_ALIAS,
  cooldown_time: BY_ALIAS,
  default_fallbacks: 'name them for each model, in fallbacks or with talos llm alias',
  context_window_fallbacks: ON_FAILURE,
  content_policy_fallbacks: ON_FAILURE,
  model_group_alias: 'give the name with talos llm alias',
  cache: BY_CACHE,
  cache_params: BY_CACHE,
};

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function createLeftovers(): Leftovers {
  /** By the object that holds them, as names may hold what separates paths; undefined: taken. */
  const known = new Map<object, Map<string, string | undefined>>();
  const added: string[] = [];
  const set = (holder: object, member: string | number, why: string | undefined): void => {
    const members = known.get(holder) ?? new Map<string, string | undefined>();
    known.set(holder, members.set(String(member), why));
  };
  /** An array without objects is one value, unless somebody spoke of its members. */
  const isParted = (value: unknown): value is object =>
    (isObject(value) && Object.keys(value).length > 0) ||
    (Array.isArray(value) && (known.has(value) || value.some((one) => typeof one === 'object' && one)));
  const walk = (holder: object, path: string, instead: string | undefined, found: string[]): string[] => {
    const members = known.get(holder);
    for (const [name, value] of Object.entries(holder)) {
      const place = placeOf(holder, path, name);
      const why = members?.get(name);
      const inner = insteadOf(name) ?? instead;
      if (why !== undefined) found.push(`${place}: ${why}`);
      else if (members?.has(name) === true) continue;
      else if (isParted(value)) walk(value, place, inner, found);
      else found.push(`${place}: ${inner ?? NO_COUNTERPART}`);
    }
    return found;
  };
  return {
    take: (holder, ...members) => {
      for (const member of members) set(holder, member, undefined);
    },
    leave: set,
    add: (text) => void added.push(text),
    list: (document) =>
      [...walk(document, '', undefined, []), ...added].map((one) => printable(one, MAX_LINE)),
  };
}

const insteadOf = (name: string): string | undefined =>
  Object.hasOwn(INSTEAD, name) ? INSTEAD[name] : undefined;

function placeOf(holder: object, path: string, name: string): string {
  if (Array.isArray(holder)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
