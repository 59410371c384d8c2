import {
  BudgetStatus,
  createChecker,
  PolicyReloaded,
  AnnouncedTools as ToolsAnswer,
} from '@talosprotocol/contracts';
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
  /** What of the budgets in force is used and left, of each budget the most used counters first. NOT_FOUND if there is no
   *  budget of that name. Needs `budget:read`. */
  budgets(query?: BudgetQuery): Promise<BudgetStatus>;
}

/** Which counters of budgets, and which page of them. */
export interface BudgetQuery {
  /** The name of one budget. */
  readonly budget?: string;
  /** Whoever it counts for: a DID, or the `prn` of its root. What is counted by key is not found by it. */
  readonly principal?: string;
  /** `next` of the page before; absent for the first. */
  readonly cursor?: string;
  /** 1 to 100, default 100. */
  readonly limit?: number;
}

/** One announced tool, with a guess for a person to confirm. Everything in `tool` is the server's own word. */
export type AnnouncedTool = ToolsAnswer['tools'][number] & { readonly tool: JsonObject };

/** The tools of one server; `missing` are pinned by the policy, but not announced. */
export type AnnouncedTools = Omit<ToolsAnswer, 'tools'> & { readonly tools: readonly AnnouncedTool[] };

const checkTools = createChecker(ToolsAnswer);
const checkBudgets = createChecker(BudgetStatus);
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
    budgets: (query = {}) =>
      json({ method: 'GET', path: '/talos/v1/budgets', query: { ...query } }, checkBudgets),
    reloadPolicy: () => json({ method: 'POST', path: '/talos/v1/policy/reload' }, checkReload),
  };
}
