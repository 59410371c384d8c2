import type { ServerResponse } from 'node:http';
import { sendJson } from './json-exchange.js';
import type { Log } from './log.js';
import type { Route } from './routes.js';

/** `disk`: reads go on, and writes are refused until there is room. */
export type HealthState = 'ok' | 'disk' | 'failing';

/** Throws or rejects while its part cannot serve; gives what it serves only in part for. */
export type HealthCheck = (() => 'disk' | undefined) | (() => void | Promise<void>);

export interface HealthReport {
  readonly ready: boolean;
  /** By name of the check; why one fails is in the log only. */
  readonly checks: Readonly<Record<string, HealthState>>;
}

/** Says whether this process lives and whether it should get calls. */
export interface Health {
  register(name: string, check: HealthCheck): void;
  /** From now on not ready: load balancers look elsewhere while running calls finish. */
  drain(): void;
  report(): Promise<HealthReport>;
  /** The last report; undefined before the first. */
  last(): HealthReport | undefined;
  /** `GET /health/live` and `GET /health/ready`. */
  readonly routes: readonly Route[];
}

const CHECK_MS = 2_000;

/** Without a single registered check nothing is ready: a gate that was never tried must not serve. */
export function createHealth(log: Log): Health {
  const checks = new Map<string, HealthCheck>();
  let draining = false;
  let last: HealthReport | undefined;
  const report = async (): Promise<HealthReport> => {
    const results = await Promise.all([...checks].map(([name, check]) => runCheck(name, check, log)));
    const ready = !draining && results.length > 0 && results.every(([, state]) => state !== 'failing');
    last = { ready, checks: Object.fromEntries(results) };
    return last;
  };
  return {
    register: (name, check) => {
      if (checks.has(name)) throw new TypeError(`the health check ${name} is registered twice`);
      checks.set(name, check);
    },
    drain: () => {
      draining = true;
    },
    report,
    last: () => last,
    routes: [
      get('/health/live', (response) => sendJson(response, 200, { live: true })),
      get('/health/ready', async (response) => {
        const found = await report();
        sendJson(response, found.ready ? 200 : 503, found);
      }),
    ],
  };
}

async function runCheck(name: string, check: HealthCheck, log: Log): Promise<[string, HealthState]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
  });
  try {
    const limit = await Promise.race([Promise.resolve().then((): unknown => check()), late]);
    return [name, limit === 'disk' ? 'disk' : 'ok'];
  } catch (error) {
    log.warn('a health check fails', { stage: name, err: error });
    return [name, 'failing'];
  } finally {
    clearTimeout(timer);
  }
}

function get(path: string, answer: (response: ServerResponse) => void | Promise<void>): Route {
  return { method: 'GET', path, surface: 'public', audit: 'none', handle: (_, response) => answer(response) };
}
