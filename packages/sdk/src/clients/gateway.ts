import { createChecker, PolicyReloaded, AnnouncedTools as ToolsAnswer } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';

/** The gateway's routes for operators. All reject with a TrustError: the code the gateway gave, UNAVAILABLE if it
 *  does not answer, UPSTREAM_FAILED if what answers is not a gateway. */
export interface GatewayClient {
  /** Asks a configured tool server for its tools, and proposes manifests and pins for them. NOT_FOUND if the policy
   *  has no server of that name. */
  tools(server: string): Promise<AnnouncedTools>;
  /** Makes a change of talos.yaml effective. SETTINGS_INVALID if the file has a fault; what was in force stays. */
  reloadPolicy(): Promise<PolicyReloaded>;
}

/** One announced tool, with a guess for a person to confirm. Everything in `tool` is the server's own word. */
export type AnnouncedTool = ToolsAnswer['tools'][number] & { readonly tool: JsonObject };

/** The tools of one server; `missing` are pinned by the policy, but not announced. */
export type AnnouncedTools = Omit<ToolsAnswer, 'tools'> & { readonly tools: readonly AnnouncedTool[] };

const checkTools = createChecker(ToolsAnswer);
const checkReload = createChecker(PolicyReloaded);
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
