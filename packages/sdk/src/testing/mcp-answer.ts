import type { ServerResponse } from 'node:http';
import { type Answer, sendJson, type VerifiedCall } from './session-gateway.js';

interface Message {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly _meta?: Readonly<Record<string, unknown>> };
}

/** Data of the refusal that the tool `denied` is answered with. */
export const DENIAL = {
  code: 'SCOPE_MISMATCH',
  link: 1,
  caveat: 'tool:fs',
  hint: 'Ask for a grant that covers this tool.',
  request_id: 'req_01938e5c-7b1a-7c3d-8e4f-0123456789ab',
} as const;

/** A minimal MCP server of both eras, JSON answers only: the tools `echo` and `denied`. */
export const answerMcp: Answer = (call, response) => {
  if (call.method !== 'POST') {
    response.setHeader('allow', 'POST');
    sendJson(response, 405, {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'Method not allowed.' },
    });
    return;
  }
  const message = JSON.parse(call.body) as Message;
  if (message.id === undefined) response.writeHead(202).end();
  else answerRequest(message, call, response);
};

function answerRequest({ id, method, params }: Message, call: VerifiedCall, response: ServerResponse): void {
  const modern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
  const era = modern ? { resultType: 'complete' } : {};
  const cache = modern ? { ttlMs: 0, cacheScope: 'private' } : {};
  const results: Readonly<Record<string, object>> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 't', version: '1' },
    },
    'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ...cache },
    'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], ...cache },
    'tools/call': { content: [{ type: 'text', text: call.session?.subject }] },
    ping: {},
  };
  const result = results[method];
  const error =
    params?.name === 'denied'
      ? { code: -32010, message: 'No grant covers what the call needs', data: DENIAL }
      : { code: -32601, message: 'Method not found' };
  const answer =
    result === undefined || params?.name === 'denied' ? { error } : { result: { ...era, ...result } };
  sendJson(response, 200, { jsonrpc: '2.0', id, ...answer });
}
