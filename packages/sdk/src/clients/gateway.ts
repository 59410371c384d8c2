import { createChecker, HexHash, ServerName, ToolManifest, ToolName } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';

/** The gateway's routes for operators. All reject with a TrustError: the code the gateway gave, UNAVAILABLE if it
 *  does not answer, UPSTREAM_FAILED if what answers is not a gateway. */
export interface GatewayClient {
  /** Asks a configured tool server for its tools, and proposes manifests and pins for them. NOT_FOUND if the policy
   *  has no server of that name. */
  tools(server: string): Promise<AnnouncedTools>;
  /** Makes a change of talos.yaml effective. SETTINGS_INVALID if the file has a fault; what was in force stays. */
  reloadPolicy(): Promise<{ readonly policy: string }>;
}

/** The tools of one server. */
export interface AnnouncedTools {
  readonly server: string;
  readonly tools: readonly AnnouncedTool[];
  /** Pinned by the policy, but not announced. */
  readonly missing: readonly string[];
}

/** One announced tool. Everything in `tool` is the server's own word. */
export interface AnnouncedTool {
  readonly name: string;
  readonly tool: JsonObject;
  /** A guess for a person to confirm, and the pin the tool has with it (DEC-8). */
  readonly proposed: {
    readonly manifest: ToolManifest;
    readonly pin: string;
    readonly notes: readonly string[];
  };
  /** What the policy says; absent if it says nothing. `computed` is the pin of the tool as it is now under the policy's
   *  manifest; `changes` are there only where the tool that was pinned is known. */
  readonly pinned?: {
    readonly manifest: ToolManifest;
    readonly pin: string;
    readonly computed: string;
    readonly matches: boolean;
    readonly changes?: readonly { readonly member: string; readonly was?: string; readonly is?: string }[];
  };
}

const checkServer = createChecker(ServerName);
const checkTool = createChecker(ToolName);
const checkHash = createChecker(HexHash);
const checkManifest = createChecker(ToolManifest);
/** Definitions of 1,024 tools. */
const MAX_BYTES = 67_108_864;
/** Starting a server that has to be fetched first takes its time. */
const TIMEOUT_MS = 120_000;

/** Makes a client of the gateway (port 8001).
 *  @throws {TypeError} a URL that is not http or https, or holds user info */
export function createGatewayClient(options: HttpClientOptions): GatewayClient {
  const { json } = createHttpClient({ timeoutMs: TIMEOUT_MS, ...options });
  return {
    tools: (server) => {
      const path = `/talos/v1/servers/${encodeURIComponent(server)}/tools`;
      return json({ method: 'GET', path, maxBytes: MAX_BYTES }, checkTools);
    },
    reloadPolicy: () => json({ method: 'POST', path: '/talos/v1/policy/reload' }, checkReload),
  };
}

function checkTools(value: unknown): string | undefined {
  const { server, tools, missing } = Object(value) as Record<string, JsonValue>;
  if (checkServer(server) !== undefined) return '/server: is no name of a server';
  if (!isStrings(missing)) return '/missing: is no list of names';
  if (!Array.isArray(tools)) return '/tools: is no list';
  const wrong = tools.findIndex((tool) => !isAnnounced(tool));
  return wrong < 0 ? undefined : `/tools/${wrong}: is not an announced tool`;
}

function checkReload(value: unknown): string | undefined {
  const { policy } = Object(value) as Record<string, JsonValue>;
  return checkHash(policy) === undefined ? undefined : '/policy: is no hash';
}

function isAnnounced(value: JsonValue): boolean {
  if (!isJsonObject(value)) return false;
  const { name, tool, proposed, pinned } = value;
  const isNamed = checkTool(name) === undefined && tool !== undefined && isJsonObject(tool);
  return isNamed && isProposed(proposed) && (pinned === undefined || isPinned(pinned));
}

function isProposed(value: JsonValue | undefined): boolean {
  const { manifest, pin, notes } = Object(value) as Record<string, JsonValue>;
  return checkManifest(manifest) === undefined && checkHash(pin) === undefined && isStrings(notes);
}

function isPinned(value: JsonValue): boolean {
  const { manifest, pin, computed, matches, changes } = Object(value) as Record<string, JsonValue>;
  const arePins = [pin, computed].every((hash) => checkHash(hash) === undefined);
  const isStated = checkManifest(manifest) === undefined && arePins;
  const isListed = changes === undefined || (Array.isArray(changes) && changes.every(isChange));
  return isStated && typeof matches === 'boolean' && isListed;
}

function isChange(value: JsonValue): boolean {
  const { member, was, is } = Object(value) as Record<string, JsonValue>;
  return (
    typeof member === 'string' && [was, is].every((text) => text === undefined || typeof text === 'string')
  );
}

function isStrings(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}
