import type { ModelHost } from './host.js';

/** Who serves a protocol as it is written: its maker, and most others. */
export const PLAIN_HOST: ModelHost = {
  assertServes: () => undefined,
  path: ({ dialect }) => dialect.path,
  body: (request) => request,
  headers: async ({ dialect, key, betas = [] }) => ({
    ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }),
    ...dialect.keyHeaders(key),
  }),
  streamType: 'text/event-stream',
  events: (body) => body,
};
