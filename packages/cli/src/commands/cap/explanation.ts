import { type Decision, type Item, PROBLEMS } from '@talosprotocol/contracts';
import {
  type Anchors,
  authorize,
  type CheckedItem,
  type CryptoProvider,
  checkToolInReach,
  checkUse,
  decodeUtf8,
  explainLinks,
  isTrustError,
  itemsOfCall,
  type ParsedChain,
  type ParsedManifest,
  parseItems,
  parseManifest,
  TrustError,
  takesOf,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { readBoundedFile } from '../../bounded-file.js';
import type { Io } from '../../io.js';
import { parseTalosYaml } from '../../talos-yaml.js';
import { UsageError } from '../../usage-error.js';
import type { Asked } from './asked.js';

/** What one link says of a call. */
export interface LinkVerdict {
  /** 0 is the trust anchor. */
  readonly link: number;
  /** The DID that granted it. */
  readonly by: string;
  readonly effect: 'allow' | 'deny';
  readonly code?: string;
  readonly item?: string;
  readonly caveat?: string;
}

/** A decision, what it was made on, and what each link says of it. */
export interface Explanation {
  readonly decision: Decision;
  readonly items: readonly Item[];
  /** Of a chain that verifies, where it was decided offline. */
  readonly links?: readonly LinkVerdict[];
  /** Decided by anchors at hand, not by a platform. */
  readonly offline?: true;
}

interface Question {
  readonly io: Io;
  readonly options: { readonly anchors?: string; readonly aud?: string };
  readonly chain: ParsedChain;
  readonly asked: Asked;
  readonly anchors: Anchors;
  readonly crypto: CryptoProvider;
}

/** Decides as a gateway with these anchors would, but for revocations, limits and real paths; for which gateway the chain
 *  is, only if one was named.
 *  @throws {TrustError} what is no decision | {UsageError} */
export async function explainOffline(question: Question): Promise<Explanation> {
  const { io, options, chain, asked, anchors, crypto } = question;
  const time = Math.floor(io.now() / 1000);
  const manifest = 'call' in asked ? await manifestOf(question, asked.call) : undefined;
  let capability: VerifiedCapability;
  let items: readonly CheckedItem[] = [];
  let unreached: Decision | undefined;
  try {
    capability = verifyCapabilityAsOf(chain, { time, anchors, crypto });
    checkUse(capability, options.aud);
    unreached = 'call' in asked ? outOfReach(capability, asked.call) : undefined;
    items = 'items' in asked ? parseItems(asked.items) : itemsOf(asked.call, manifest, asked);
  } catch (error) {
    return { decision: unreached ?? denialOf(error), items: [], offline: true };
  }
  return {
    decision: unreached ?? decide(capability, items, asked, manifest),
    items: items.map(({ scope, op }) => ({ scope, op })),
    links: explainLinks(capability, items, asked.arguments).map((decision, link) =>
      verdictOf(capability, decision, link),
    ),
    offline: true,
  };
}

/** A gateway asks this before whether there is such a tool, and before its arguments (DEC-8). */
function outOfReach(
  capability: VerifiedCapability,
  call: { readonly server: string; readonly tool: string },
): Decision | undefined {
  try {
    checkToolInReach(capability, call);
    return undefined;
  } catch (error) {
    return denialOf(error);
  }
}

function itemsOf(
  call: { readonly server: string; readonly tool: string },
  manifest: ParsedManifest | undefined,
  { arguments: args }: Asked,
): readonly CheckedItem[] {
  if (manifest === undefined)
    throw new TrustError('UNKNOWN_TOOL', 'that talos.yaml has no manifest for this tool', {
      hint: 'Add the tool with its manifest and pin to talos.yaml.',
    });
  return itemsOfCall({ ...call, manifest, arguments: args });
}

/** A gateway asks for limits that cannot be enforced (CAP-3) once the call is allowed. */
function decide(
  capability: VerifiedCapability,
  items: readonly CheckedItem[],
  asked: Asked,
  manifest: ParsedManifest | undefined,
): Decision {
  const decision = authorize(capability, items, asked.arguments);
  const cost = manifest?.source.cost;
  if (decision.effect === 'deny' || cost === undefined) return decision;
  try {
    takesOf(capability, { cost });
    return decision;
  } catch (error) {
    return denialOf(error);
  }
}

async function manifestOf(
  { io, options }: Question,
  { server, tool }: { readonly server: string; readonly tool: string },
): Promise<ParsedManifest | undefined> {
  const name = options.anchors;
  if (name === undefined)
    throw new UsageError(
      '--call needs the manifests of the tools',
      'name a talos.yaml with --anchors, leave out --trust to ask the platform, or say --action <scope:op>',
    );
  const { policy } = parseTalosYaml(decodeUtf8(await readBoundedFile(io, name, MAX_BYTES)), name);
  const tools = Object.hasOwn(policy.servers, server) ? (policy.servers[server]?.tools ?? {}) : {};
  const found = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (found === undefined) return undefined;
  const { pin: _, ...manifest } = found;
  return parseManifest(manifest);
}

const MAX_BYTES = 4 * 1024 * 1024;

function verdictOf({ anchor, links }: VerifiedCapability, decision: Decision, link: number): LinkVerdict {
  const by = links[link - 1]?.claims.iss ?? anchor.iss;
  if (decision.effect === 'allow') return { link, by, effect: 'allow' };
  const { effect, code, item, caveat } = decision;
  return {
    link,
    by,
    effect,
    code,
    ...(item === undefined ? {} : { item }),
    ...(caveat === undefined ? {} : { caveat }),
  };
}

/** @throws what is no decision */
function denialOf(error: unknown): Decision {
  if (!isTrustError(error) || !PROBLEMS[error.code].decision) throw error;
  const { reason: _, findings: __, hint = error.message, ...where } = error.data;
  return { effect: 'deny', code: error.code, ...where, hint } as Decision;
}
