import type { Route } from '../routes.js';
import type { Metrics } from './metrics.js';

/** `GET /metrics`, as Prometheus asks for it; `before` is done first. Whoever reads it learns how much this platform is used: it needs a
 *  permission like any other reading of it. */
export function metricsRoute(
  metrics: Pick<Metrics, 'text'>,
  before: () => Promise<unknown> = async () => undefined,
): Route {
  return {
    method: 'GET',
    path: '/metrics',
    surface: 'admin',
    permission: 'metrics:read',
    audit: 'none',
    maxBody: 0,
    handle: async (_, response) => {
      await before();
      const body = metrics.text();
      response.writeHead(200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
      });
      response.end(body);
    },
  };
}
