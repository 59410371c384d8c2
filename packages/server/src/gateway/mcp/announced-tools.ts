import type { ToolManifest } from '@talosprotocol/contracts';
import {
  isTrustError,
  type JsonObject,
  type ParsedManifest,
  parseManifest,
  TrustError,
} from '@talosprotocol/protocol';
import { createScrub } from '../../platform/scrub.js';
import type { PolicyView, ServerPolicy, ToolPolicy } from '../admission/ports.js';
import type { Pins, ToolChange } from './pins.js';
import { suggestManifest } from './suggest.js';
import type { ToolName } from './tool-name.js';
import { LastWords } from './upstream/child.js';
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
    const lease = await deps.pool.lease(defaultTenant, server, signal).catch((error: unknown) => {
      throw explainStart(server, error);
    });
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

const MAX_SAID = 300;

/** Why a tool server does not run, for the operator who wrote its command: nothing was called yet. */
function explainStart({ run }: ServerPolicy, error: unknown): unknown {
  if (!isTrustError(error) || error.code !== 'UPSTREAM_FAILED') return error;
  const { reason = 'the tool server failed' } = error.data;
  // A folder of PATH that is closed to us makes a missing command look like a forbidden one.
  if (reason.includes('(ENOENT)') || reason.includes('(EACCES)')) {
    const closed = reason.includes('(EACCES)') ? ', or may not be run' : '';
    const missing = run.cwd === undefined ? closed : `${closed}, or its folder ${run.cwd} does not exist`;
    return new TrustError('UPSTREAM_FAILED', `the command ${run.command} was not found${missing}`, {
      hint: "check the server's command in talos.yaml, and the PATH of the platform",
    });
  }
  const scrub = createScrub(() => Object.values(run.env));
  const said = error.cause instanceof LastWords ? `, and said at last: ${scrub(error.cause.message)}` : '';
  return new TrustError('UPSTREAM_FAILED', `${reason}${cut(said)}`, {
    hint: "check the server's command and arguments in talos.yaml; the log of the gateway has all it said",
  });
}

function cut(text: string): string {
  return text.length > MAX_SAID ? `${text.slice(0, MAX_SAID)}...` : text;
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
