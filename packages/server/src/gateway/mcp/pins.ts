import {
  type CryptoProvider,
  canonicalize,
  type JsonObject,
  type JsonValue,
  type ParsedManifest,
  parseJsonObject,
  TrustError,
  toolPin,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import type { ToolPolicy } from '../admission/ports.js';
import type { ToolName } from './tool-name.js';

/** One top-level member of a tool that is not what was pinned. */
export interface ToolChange {
  readonly member: string;
  /** Canonical JSON, cut at 2,000 characters; absent where there was or is no such member. */
  readonly was?: string;
  readonly is?: string;
}

/** Checks announced tools against the operator's pins (DEC-8). */
export interface Pins {
  pinOf(name: ToolName, announced: JsonObject, manifest: ParsedManifest): string;
  isPinned(name: ToolName, announced: JsonObject, policy: ToolPolicy): boolean;
  /** What differs from the tool the pin was made of; undefined if that was never seen here. */
  changes(announced: JsonObject, policy: ToolPolicy): Promise<readonly ToolChange[] | undefined>;
  /** Logs the difference once, and gives the error for the caller. */
  changed(name: ToolName, announced: JsonObject, policy: ToolPolicy): Promise<TrustError>;
}

export interface PinsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly log: Log;
}

const MAX_SHOWN = 2_000;

/** Builds the check. A tool is hashed once per announcement; one that fits its pin is remembered durably. */
export function createPins({ sql, clock, crypto, log }: PinsDeps): Pins {
  const known = new WeakMap<JsonObject, WeakMap<ParsedManifest, string>>();
  const told = new WeakSet<JsonObject>();
  const seen = new Set<string>();
  const pinOf: Pins['pinOf'] = ({ server }, tool, manifest) => {
    const pins = known.get(tool) ?? new WeakMap<ParsedManifest, string>();
    known.set(tool, pins);
    const pin = pins.get(manifest) ?? toolPin({ server, tool, manifest }, crypto);
    pins.set(manifest, pin);
    return pin;
  };
  const remember = (pin: string, tool: JsonObject): void => {
    if (seen.has(pin)) return;
    seen.add(pin);
    const values = [pin, canonicalize(tool), new Date(clock.now())];
    sql.query(REMEMBER, values).catch((error: unknown) => {
      seen.delete(pin);
      log.warn('a pinned tool could not be remembered', { err: error });
    });
  };
  const changes: Pins['changes'] = async (announced, { pin }) => {
    const [row] = await sql.query<{ tool: string }>('SELECT tool FROM gateway_pinned_tool WHERE pin = $1', [
      pin,
    ]);
    return row && compareTools(parseJsonObject(row.tool, { floats: true, maxBytes: 16_777_216 }), announced);
  };
  return {
    pinOf,
    changes,
    isPinned(name, announced, policy) {
      const fits = pinOf(name, announced, policy.manifest) === policy.pin;
      if (fits) remember(policy.pin, announced);
      return fits;
    },
    async changed({ server, tool }, announced, policy) {
      const found = await changes(announced, policy).catch(() => undefined);
      if (!told.has(announced)) {
        told.add(announced);
        const hint = found?.map((change) => `${change.member}: ${change.was} -> ${change.is}`).join('; ');
        log.warn('a tool is not the one that was pinned', { server, tool, ...(hint ? { hint } : {}) });
      }
      return toolChanged(server, tool, found);
    },
  };
}

const REMEMBER = `INSERT INTO gateway_pinned_tool (pin, tool, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`;

/** The caller, often a model, is told which parts changed, never the new text: that may be an attack on it. */
function toolChanged(server: string, tool: string, found: readonly ToolChange[] | undefined): TrustError {
  const parts = (found ?? []).map(({ member }) => (KNOWN_MEMBERS.has(member) ? member : 'other members'));
  const what =
    parts.length === 0 ? 'its definition, or its manifest in talos.yaml' : [...new Set(parts)].join(', ');
  const hint = `Changed since it was pinned: ${what}. The operator sees the difference with: talos mcp policy suggest ${server}`;
  return new TrustError('TOOL_CHANGED', `the tool ${tool} is not the one that was pinned`, { hint });
}

const KNOWN_MEMBERS = new Set(
  'name title description inputSchema outputSchema annotations execution icons _meta'.split(' '),
);

/** Compares the top-level members of two tool objects. */
export function compareTools(was: JsonObject, is: JsonObject): readonly ToolChange[] {
  const members = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  return members.flatMap((member) => {
    const [before, after] = [shown(was, member), shown(is, member)];
    if (before === after) return [];
    return [{ member, ...cut('was', before), ...cut('is', after) }];
  });
}

function shown(tool: JsonObject, member: string): string | undefined {
  return Object.hasOwn(tool, member) ? canonicalize(tool[member] as JsonValue) : undefined;
}

function cut(name: 'was' | 'is', text: string | undefined): { was?: string; is?: string } {
  return text === undefined ? {} : { [name]: text.slice(0, MAX_SHOWN) };
}
