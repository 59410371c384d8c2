import { createChecker, PruneRequest } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readJson, sendJson } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import type { Pruner } from './pruner.js';

const check = createChecker(PruneRequest);

/** The route on which bodies of old events are pruned (AUD-112). */
export function createPruneRoute(audit: Pick<Pruner, 'prune'>): Route {
  return {
    method: 'POST',
    path: '/talos/v1/log/prune',
    surface: 'admin',
    permission: 'audit:prune',
    audit: 'administration',
    handle: async (request, response, context) => {
      if (context.query !== '') throw new TrustError('MALFORMED', 'the route takes no query');
      const body = await readJson(request, context);
      const fault = check(body);
      if (fault !== undefined) throw new TrustError('MALFORMED', `a pruning: ${fault}`);
      // The listener lets nobody in whom it does not know.
      if (context.principal === undefined) throw new TypeError('a route for administrators without one');
      sendJson(response, 200, await audit.prune(body as PruneRequest, context.principal));
    },
  };
}
