import type { ToolManifest } from '@talosprotocol/contracts';
import { type JsonObject, type ParsedManifest, parseManifest, TrustError } from '@talosprotocol/protocol';
import type { PolicyView, ToolPolicy } from '../admission/ports.js';
import type { Pins, ToolChange } from './pins.js';
import { suggestManifest } from './suggest.js';
import type { ToolName } from './tool-name.js';
import type { UpstreamPool } from './upstream/pool.js';

/** What an operator needs to know of one announced tool. */
export interface AnnouncedTool {
  readonly name: string;
  /** The tool object as announced: what a pin covers. */
  readonly tool: JsonObject;
  /** A guess, and the pin the tool would have with it. */
  readonly proposed: {
    readonly manifest: ToolManifest;
    readonly pin: string;
    readonly notes: readonly string[];
  };
  /** What the policy says; `computed` is the pin of the tool as it is now under the policy's manifest. */
  readonly pinned?: {
    readonly manifest: ToolManifest;
    readonly pin: string;
    readonly computed: string;
    readonly matches: boolean;
    readonly changes?: readonly ToolChange[];
  };
}

export interface AnnouncedTools {
  readonly server: string;
  readonly tools: readonly AnnouncedTool[];
  /** Pinned by the policy, but not announced. */
  readonly missing: readonly string[];
}

/** Asks a configured tool server, pinned or not, for its tools.
 *  @throws {TrustError} NOT_FOUND | UNAVAILABLE | UPSTREAM_FAILED */
export type LookAtTools = (server: string, signal: AbortSignal) => Promise<AnnouncedTools>;

/** Runs the server for the default tenant, as a call would. */
export function createLookAtTools(deps: {
  readonly policy: PolicyView;
  readonly pool: UpstreamPool;
  readonly pins: Pins;
}): LookAtTools {
  return async (name, signal) => {
    const { servers, defaultTenant } = deps.policy();
    const server = servers.get(name);
    if (server === undefined) throw new TrustError('NOT_FOUND', 'the policy has no tool server of this name');
    const lease = await deps.pool.lease(defaultTenant, server, signal);
    try {
      const { tools } = await lease.life.announced(0);
      const described = [...tools].map(([tool, announced]) =>
        describe(deps.pins, { server: name, tool }, announced, server.tools.get(tool)),
      );
      const missing = [...server.tools.keys()].filter((tool) => !tools.has(tool));
      return { server: name, tools: await Promise.all(described), missing };
    } finally {
      lease.release();
    }
  };
}

async function describe(
  pins: Pins,
  name: ToolName,
  tool: JsonObject,
  policy: ToolPolicy | undefined,
): Promise<AnnouncedTool> {
  const { manifest, notes } = suggestManifest(tool);
  const parsed: ParsedManifest = parseManifest(manifest);
  const described = {
    name: name.tool,
    tool,
    proposed: { manifest, pin: pins.pinOf(name, tool, parsed), notes },
  };
  if (policy === undefined) return described;
  const computed = pins.pinOf(name, tool, policy.manifest);
  const matches = pins.isPinned(name, tool, policy);
  const changes = matches ? undefined : await pins.changes(tool, policy);
  const stated = { manifest: policy.manifest.source, pin: policy.pin, computed, matches };
  return { ...described, pinned: changes === undefined ? stated : { ...stated, changes } };
}
