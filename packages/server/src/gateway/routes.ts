import { sendJson } from '../platform/json-exchange.js';
import type { Route, RouteHandler } from '../platform/routes.js';
import type { LookAtTools } from './mcp/announced-tools.js';

/** Largest body a policy may allow; the policy's own `limits.bodyBytes` and `limits.modelBodyBytes` are enforced by the fronts. */
const MAX_BODY = 67_108_864;

/** Everything the gateway serves. */
export function gatewayRoutes(handlers: {
  readonly mcp: RouteHandler;
  readonly chat: RouteHandler;
  readonly messages: RouteHandler;
  readonly countTokens: RouteHandler;
  readonly embeddings: RouteHandler;
  readonly responses: RouteHandler;
  readonly openAiModels: RouteHandler;
  readonly anthropicModels: RouteHandler;
  readonly budgetStatus: RouteHandler;
  readonly lookAtTools: LookAtTools;
}): readonly Route[] {
  const call = { method: 'POST', surface: 'agent', audit: 'decision', maxBody: MAX_BODY } as const;
  const list = { method: 'GET', surface: 'agent', audit: 'decision' } as const;
  return [
    { ...call, path: '/mcp', handle: handlers.mcp },
    { ...call, path: '/mcp/:server', handle: handlers.mcp },
    { ...call, path: '/v1/chat/completions', handle: handlers.chat },
    { ...call, path: '/v1/responses', handle: handlers.responses },
    { ...call, path: '/v1/embeddings', handle: handlers.embeddings },
    { ...call, path: '/anthropic/v1/messages/count_tokens', handle: handlers.countTokens },
    { ...list, path: '/v1/models', handle: handlers.openAiModels },
    { ...list, path: '/v1/models/:model', handle: handlers.openAiModels },
    { ...list, path: '/anthropic/v1/models', handle: handlers.anthropicModels },
    { ...list, path: '/anthropic/v1/models/:model', handle: handlers.anthropicModels },
    { ...call, path: '/anthropic/v1/messages', handle: handlers.messages },
    {
      method: 'GET',
      path: '/talos/v1/budgets',
      surface: 'admin',
      permission: 'budget:read',
      audit: 'none',
      handle: handlers.budgetStatus,
    },
    {
      method: 'GET',
      path: '/talos/v1/servers/:name/tools',
      surface: 'admin',
      permission: 'tool:read',
      audit: 'none',
      handle: async (_, response, { params, signal }) =>
        sendJson(response, 200, await handlers.lookAtTools(params['name'] ?? '', signal)),
    },
  ];
}
