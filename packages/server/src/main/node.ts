import type { NodeList } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import { createForwarding } from '../platform/cluster/forward.js';
import { createNodeCaller, type NodeCaller } from '../platform/cluster/node-caller.js';
import { createNodeGuard, type NodeGuard } from '../platform/cluster/node-guard.js';
import { deriveNodeKey } from '../platform/cluster/node-proof.js';
import type { NodeRun } from '../platform/cluster/node-run.js';
import { joinCluster, type NodeRegistry } from '../platform/cluster/registry.js';
import { createSessionRouting } from '../platform/cluster/session-routing.js';
import { createListener, type Listener } from '../platform/http.js';
import { sendJson } from '../platform/json-exchange.js';
import type { HttpMetrics } from '../platform/metrics/http-metrics.js';
import type { Route } from '../platform/routes.js';
import type { Sql } from '../platform/sql.js';
import { clock, random } from '../platform/system.js';
import type { Foundation } from './foundation.js';
import type { ServiceRoutes } from './listeners.js';
import type { Roles } from './roles.js';

/** This process as a node among those of its database. */
export interface Node {
  readonly registry: NodeRegistry;
  readonly caller: NodeCaller;
  readonly guard: NodeGuard;
  close(): Promise<void>;
}

/** Claims a number for this process. @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE */
export async function joinNodes(
  { identities, keys, crypto, log }: Foundation,
  options: { readonly sql: Sql; readonly roles: Roles; readonly version: string },
): Promise<Node> {
  const { sql, roles, version } = options;
  const gateway = identities.gateway.did;
  const registry = await joinCluster({ sql, clock, log }, { gateway, services: roles, version });
  const seed = await keys.loadOrCreateSeed('gateway');
  const deps = { self: registry.self, key: deriveNodeKey(seed.reveal(), crypto), crypto, clock };
  const caller = createNodeCaller(deps);
  return {
    registry,
    caller,
    guard: createNodeGuard(deps),
    close: async () => {
      caller.close();
      await registry.close();
    },
  };
}

/** How long ago a node that may still say what became of its writes was seen last. */
const RUNNING_SECONDS = 60;

/** The runs that are not over for sure: `<node>.<boot>`. */
export async function runningNodes({ registry }: Pick<Node, 'registry'>): Promise<string[]> {
  const nodes = await registry.all();
  return nodes
    .filter(({ ended, age }) => !ended && age < RUNNING_SECONDS)
    .map(({ node, boot }) => `${node}.${boot}`);
}

/** Lists the nodes, for the administrator. */
export function nodesRoute({ registry }: Pick<Node, 'registry'>): Route {
  return {
    method: 'GET',
    path: '/talos/v1/nodes',
    surface: 'admin',
    permission: 'node:read',
    audit: 'none',
    handle: async (_, response) => {
      const nodes = await registry.all();
      sendJson(response, 200, {
        self: registry.self.node,
        nodes: nodes.map(({ node, boot, services, url, version, started, age, live }) => ({
          node,
          boot,
          services: services as NodeList['nodes'][number]['services'],
          url,
          version,
          started: formatTime(started.getTime()),
          seen: Math.max(0, Math.floor(age)),
          live,
        })),
      } satisfies NodeList);
    },
  };
}

export interface RoutingOptions {
  readonly node: Node;
  readonly foundation: Pick<Foundation, 'log'>;
  readonly limiter: { take(address: string): void };
  readonly runOfNonce: (nonce: string) => NodeRun | undefined;
}

/** The routes of clients, with requests of other nodes' sessions passed on to those. */
export function routeSessions(routes: ServiceRoutes, options: RoutingOptions): ServiceRoutes {
  const { node, foundation, limiter, runOfNonce } = options;
  const { registry, caller } = node;
  const forwarding = createForwarding({ caller, log: foundation.log });
  const { wrap } = createSessionRouting({ registry, forwarding, limiter, runOfNonce });
  // Routes on several services belong to every node that verifies sessions; the others to the gateway.
  const service = (route: Route): string | undefined => (isShared(route) ? undefined : 'gateway');
  const wrapAll = (list: readonly Route[] | undefined): readonly Route[] =>
    (list ?? []).map((route) => (route.surface === 'agent' ? wrap(route, service(route)) : route));
  return {
    ...routes,
    ...(routes.kernel === undefined ? {} : { kernel: wrapAll(routes.kernel) }),
    ...(routes.gateway === undefined ? {} : { gateway: wrapAll(routes.gateway) }),
  };
}

const isShared = ({ path }: Route): boolean => path.startsWith('/talos/v1/');

/** What other nodes may call: what they pass on of their clients, and `own`. */
export async function openNodeListener(
  { guard }: Node,
  options: {
    readonly foundation: Foundation;
    readonly routes: ServiceRoutes;
    readonly own: readonly Route[];
    readonly http: HttpMetrics;
  },
): Promise<Listener> {
  const { foundation, routes, own, http } = options;
  const { settings, log } = foundation;
  const agent = distinct([...(routes.gateway ?? []), ...(routes.kernel ?? [])]).map((route) =>
    passedOn(route, guard),
  );
  return createListener({
    name: 'node',
    host: settings.nodeUrl === undefined ? '127.0.0.1' : settings.host,
    port: settings.ports.node,
    routes: [...agent, ...own],
    guards: {
      service: (request) => {
        guard.verify(request);
        return undefined;
      },
    },
    allowedHosts: settings.nodeUrl === undefined ? [] : [new URL(settings.nodeUrl).host],
    allowedOrigins: [],
    fromNodes: true,
    // What a client's listener takes comes here with the proof of the node that passes it on.
    limits: { headerBytes: 40 * 1024 },
    clock,
    random,
    log,
    meter: http.meterOf('node'),
  });
}

/** A route of clients as nodes call it: the answer's head is proven before it leaves. */
function passedOn(route: Route, guard: NodeGuard): Route {
  return {
    ...route,
    surface: 'service',
    permission: 'node:forward',
    handle: (request, response, context) => {
      const writeHead = response.writeHead.bind(response) as (
        status: number,
        ...rest: unknown[]
      ) => typeof response;
      response.writeHead = ((status: number, ...rest: unknown[]) => {
        guard.signAnswer(request, response, status, 'stream');
        return writeHead(status, ...rest);
      }) as typeof response.writeHead;
      return route.handle(request, response, context);
    },
  };
}

function distinct(routes: readonly Route[]): Route[] {
  const byName = new Map<string, Route>();
  for (const route of routes) {
    if (route.surface === 'agent') byName.set(`${route.method} ${route.path}`, route);
  }
  return [...byName.values()];
}
