import type { Guard, GuardAction, GuardPlace, PolicyDocument } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { type CountryCode, isSupportedCountry } from 'libphonenumber-js';
import { compilePattern, partlyMeant } from '../model-pattern.js';
import { outwardUrl } from '../outward-url.js';
import { createDenyDetector } from './detect/deny.js';
import type { DetectorSpec } from './detect/detector.js';
import { createSchemaDetector } from './detect/schema.js';

/** Another service that looks at texts. */
export interface ExternalGuard {
  readonly kind: 'external';
  readonly name: string;
  readonly url: string;
  /** Name of the secret that it is shown. */
  readonly key: string | undefined;
  readonly timeoutMs: number;
}

/** How a guard looks. */
export type Look =
  | { readonly kind: 'scan'; readonly spec: DetectorSpec }
  | { readonly kind: 'size'; readonly most: Readonly<Partial<Record<GuardPlace, number>>> }
  | ExternalGuard;

/** A guard of the policy, ready to look. */
export interface GuardPolicy {
  readonly name: string;
  readonly action: GuardAction;
  /** True if a call that it could not look at goes on. */
  readonly passesFailure: boolean;
  /** True if a document of a request that nobody reads here is something it found. */
  readonly findsDocuments: boolean;
  readonly places: ReadonlySet<GuardPlace>;
  readonly look: Look;
  /** So many characters of a stream come between two looks; infinite: it looks once, at the end. */
  readonly step: number;
  /** True if it looks at calls of the model `provider/model`. */
  looksAt(model: string): boolean;
}

/** So many bytes more than it had may a request come to by what stands for a value; they are held for. */
export const MOST_GROWTH = 512;

/** By how much guards may make a request longer. */
export function growthOf(guards: readonly GuardPolicy[]): number {
  return guards.some(({ action }) => action === 'mask') ? MOST_GROWTH : 0;
}

const EVERYWHERE: readonly GuardPlace[] = ['prompt', 'tool-result', 'answer'];

/** The guards of a policy.
 *  @throws {TrustError} MALFORMED: two of one name, members that are not of its kind, a pattern or a schema that is none, an
 *    unsafe address, some models of a provider that names none */
export function compileGuards({
  guards = [],
  providers = {},
}: Pick<PolicyDocument, 'guards' | 'providers'>): readonly GuardPolicy[] {
  const names = new Set<string>();
  return guards.map((guard) => {
    const { name, action, onFailure, documents = 'find', model } = guard;
    if (names.has(name)) throw wrong(name, 'is there twice');
    names.add(name);
    const split = model === undefined ? undefined : partlyMeant(model, providers);
    if (split !== undefined)
      throw wrong(name, `is for some models of ${split}, which must name its models then`);
    assertMembers(guard);
    const places = new Set(placesOf(guard));
    return {
      name,
      action,
      passesFailure: onFailure === 'pass',
      findsDocuments: documents === 'find' && (places.has('prompt') || places.has('tool-result')),
      places,
      look: lookOf(guard),
      step: STEPS[guard.kind] ?? 64,
      looksAt: model === undefined ? () => true : compilePattern(model),
    };
  });
}

/** An external guard is not asked at every word; only a whole text fits a schema. */
const STEPS: Readonly<Partial<Record<Guard['kind'], number>>> = { external: 2000, schema: Infinity };

/** Which members a kind has; with `!` those it must have. */
const MEMBERS: Readonly<Record<Guard['kind'], readonly string[]>> = {
  secrets: ['documents'],
  personal: ['types', 'country', 'documents'],
  injection: ['documents'],
  deny: ['words', 'patterns', 'documents'],
  size: ['most!', 'documents'],
  schema: ['schema!'],
  external: ['url!', 'key', 'insecure', 'seconds', 'documents'],
};
const COMMON: ReadonlySet<string> = new Set(['name', 'kind', 'at', 'model', 'action', 'onFailure']);

function assertMembers(guard: Guard): void {
  const { name, kind, action, words, patterns } = guard;
  const own = MEMBERS[kind];
  for (const member of Object.keys(guard)) {
    if (!COMMON.has(member) && !own.includes(member) && !own.includes(`${member}!`))
      throw wrong(name, `is of kind ${kind}, which has no ${member}`);
  }
  for (const member of own) {
    if (member.endsWith('!') && !(member.slice(0, -1) in guard))
      throw wrong(name, `lacks ${member.slice(0, -1)}`);
  }
  if (kind === 'deny' && words === undefined && patterns === undefined)
    throw wrong(name, 'denies nothing: say words or patterns');
  if (action === 'mask' && (kind === 'size' || kind === 'schema'))
    throw wrong(name, `cannot mask: what is found by ${kind} has no place`);
}

function placesOf({ name, kind, at, most }: Guard): readonly GuardPlace[] {
  if (kind === 'schema') {
    if (at?.some((place) => place !== 'answer')) throw wrong(name, 'looks at answers alone');
    return ['answer'];
  }
  if (kind === 'size') {
    if (at !== undefined) throw wrong(name, 'says in most where it looks');
    return EVERYWHERE.filter((place) => most?.[place] !== undefined);
  }
  return at ?? (kind === 'injection' ? ['tool-result'] : EVERYWHERE);
}

function lookOf(guard: Guard): Look {
  const { name, kind, most = {}, url = '', insecure, key, seconds = 5 } = guard;
  if (kind === 'size') return { kind, most: most as Partial<Record<GuardPlace, number>> };
  if (kind === 'external') {
    const address = outwardUrl(`guards.${name}.url`, url, insecure);
    return { kind, name, url: address, key, timeoutMs: seconds * 1000 };
  }
  return { kind: 'scan', spec: specOf(guard, kind) };
}

/** What is paid for without a detector of it: data of people that nobody mistakes. Addresses of machines are in every log. */
const USUAL_TYPES = ['email', 'phone', 'card', 'iban', 'ssn'] as const;

function specOf(guard: Guard, kind: DetectorSpec['kind']): DetectorSpec {
  const { name, types = USUAL_TYPES, country = 'US', words = [], patterns = {}, schema = {} } = guard;
  switch (kind) {
    case 'personal':
      if (!isSupportedCountry(country)) throw wrong(name, `has an unknown country ${country}`);
      return { kind, types, country: country as CountryCode };
    case 'deny': {
      const list = {
        words,
        patterns: Object.entries(patterns).map(([of, pattern]) => ({ name: of, pattern })),
      };
      checked(name, 'a pattern that is none of RE2', () => createDenyDetector(list));
      return { kind, ...list };
    }
    case 'schema':
      checked(name, 'a schema that is none', () => createSchemaDetector(schema));
      return { kind, schema };
    default:
      return { kind };
  }
}

function checked(name: string, fault: string, build: () => unknown): void {
  try {
    build();
  } catch (error) {
    throw wrong(name, `has ${fault}`, error);
  }
}

function wrong(name: string, fault: string, cause?: unknown): TrustError {
  return new TrustError('MALFORMED', `the guard ${name} ${fault}`, {}, cause);
}
