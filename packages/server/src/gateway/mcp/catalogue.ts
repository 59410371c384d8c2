import type { Op } from '@talosprotocol/contracts';
import {
  couldAllow,
  type JsonObject,
  type ParsedManifest,
  TrustError,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { PolicyView, ServerPolicy, ToolPolicy } from '../admission/ports.js';
import type { Pins } from './pins.js';
import { servedTool } from './served-tool.js';
import { listedName, type ToolName } from './tool-name.js';
import type { UpstreamPool } from './upstream/pool.js';
import type { Lease } from './upstream/supervisor.js';

/** A tool that may be called now. */
export interface FoundTool {
  readonly lease: Lease;
  readonly pin: string;
  /** Looks again if the server told of a change since. @throws {TrustError} TOOL_CHANGED | UNKNOWN_TOOL */
  recheck(): Promise<void> | undefined;
}

/** The tools behind the gateway. */
export interface Catalogue {
  /** Those a capability could use (DEC-9), of one server or of all. */
  list(
    capability: VerifiedCapability,
    server: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]>;
  /** Finds a pinned tool and a process to call it on; the lease is the caller's to release.
   *  @throws {TrustError} UNKNOWN_TOOL | TOOL_CHANGED | UNAVAILABLE | UPSTREAM_FAILED */
  find(
    tenant: string,
    server: ServerPolicy,
    name: ToolName,
    policy: ToolPolicy,
    signal: AbortSignal,
  ): Promise<FoundTool>;
}

export interface CatalogueDeps {
  readonly policy: PolicyView;
  readonly pool: UpstreamPool;
  readonly pins: Pins;
  readonly log: Log;
}

/** How old an announcement may be for a list and for a call. A change the server tells of counts at once. */
const LIST_AGE_MS = 1_000;
const CALL_AGE_MS = 60_000;

export function createCatalogue(deps: CatalogueDeps): Catalogue {
  const { pins, pool } = deps;
  const check = async (lease: Lease, name: ToolName, policy: ToolPolicy, maxAgeMs: number) => {
    const announcement = await lease.life.announced(maxAgeMs);
    const announced = announcement.tools.get(name.tool);
    if (announced === undefined) throw new TrustError('UNKNOWN_TOOL', 'the tool server has no such tool');
    if (!pins.isPinned(name, announced, policy)) throw await pins.changed(name, announced, policy);
    return announcement;
  };
  return {
    async find(tenant, server, name, policy, signal) {
      const lease = await pool.lease(tenant, server, signal);
      try {
        const announcement = await check(lease, name, policy, CALL_AGE_MS);
        const recheck = async (): Promise<void> => void (await check(lease, name, policy, CALL_AGE_MS));
        return {
          lease,
          pin: policy.pin,
          recheck: () => (lease.life.isOutdated(announcement) ? recheck() : undefined),
        };
      } catch (error) {
        lease.release();
        throw error;
      }
    },
    async list(capability, route, signal) {
      const all = [...deps.policy().servers.values()];
      const chosen = route === undefined ? all : all.filter(({ name }) => name === route);
      const lists = chosen.map(async (server) => {
        const allowed = allowedTools(capability, server);
        if (allowed.length === 0) return [];
        return listServer(deps, capability.tenant, server, allowed, route, signal).catch((error: unknown) => {
          // Of many servers one that fails takes only its own tools away; the log says so.
          deps.log.warn('the tools of a server cannot be listed', { server: server.name, err: error });
          if (route !== undefined) throw error;
          return [];
        });
      });
      return (await Promise.all(lists)).flat();
    },
  };
}

type NamedPolicy = readonly [tool: string, policy: ToolPolicy];

function allowedTools(capability: VerifiedCapability, { name, tools }: ServerPolicy): readonly NamedPolicy[] {
  return [...tools].filter(([tool, { manifest }]) =>
    couldAllow(capability, { server: name, tool, ops: opsOf(manifest) }),
  );
}

/** The ops a call of the tool can need. */
function opsOf({ source }: ParsedManifest): readonly Op[] {
  return [...new Set([source.op, ...source.resources.map(({ op }) => op ?? source.op)])];
}

async function listServer(
  { pool, pins }: CatalogueDeps,
  tenant: string,
  server: ServerPolicy,
  allowed: readonly NamedPolicy[],
  route: string | undefined,
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const lease = await pool.lease(tenant, server, signal);
  try {
    const { tools } = await lease.life.announced(LIST_AGE_MS);
    const listed: JsonObject[] = [];
    for (const [tool, policy] of allowed) {
      const announced = tools.get(tool);
      const name = { server: server.name, tool };
      if (announced === undefined) continue;
      if (pins.isPinned(name, announced, policy)) listed.push(servedTool(announced, listedName(name, route)));
      else await pins.changed(name, announced, policy);
    }
    return listed;
  } finally {
    lease.release();
  }
}
