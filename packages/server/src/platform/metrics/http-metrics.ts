import type { ServerResponse } from 'node:http';
import type { RouteDeclaration } from '../routes.js';
import type { Clock } from '../system.js';
import type { CounterSeries, HistogramSeries, Metrics } from './metrics.js';

/** Counts the requests of one listener. */
export interface HttpMeter {
  /** A request arrived, and this will be its answer. */
  begin(response: ServerResponse): void;
  /** It is a request of this route; without it, of none. */
  routed(response: ServerResponse, route: RouteDeclaration): void;
  /** What arrived never became a request. */
  unreadable(): void;
}

/** The meters of the listeners of a process. */
export interface HttpMetrics {
  /** To be called once for each. */
  meterOf(service: string): HttpMeter;
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STARTED = Symbol('when the request of this answer arrived');
const ROUTE = Symbol('the route of the request of this answer');
type Metered = ServerResponse & { [STARTED]?: number; [ROUTE]?: RouteMeter };

interface RouteMeter {
  readonly duration: HistogramSeries;
  /** By status, 0 where the client left before the answer was out. */
  readonly byStatus: CounterSeries[];
  count(status: number): CounterSeries;
}

export function createHttpMetrics(metrics: Metrics, clock: Clock): HttpMetrics {
  const running = new Map<string, () => number>();
  metrics.gauge(
    {
      name: 'talos_http_requests_in_flight',
      help: 'Requests that are not answered yet.',
      labels: ['service'],
    },
    (observe) => {
      for (const [service, count] of running) observe(count(), { service });
    },
  );
  const newRouteMeter = createRouteMeters(metrics);
  const unreadable = metrics.counter({
    name: 'talos_http_unreadable_requests_total',
    help: 'What arrived and never became a request: bad syntax, headers too large or too slow.',
    labels: ['service'],
  });
  return {
    meterOf: (service) => {
      const { meter, count } = createMeter((route) => newRouteMeter(service, route), clock);
      running.set(service, count);
      const refused = unreadable.with({ service });
      return { ...meter, unreadable: () => refused.add() };
    },
  };
}

function createRouteMeters(metrics: Metrics) {
  const labels = ['service', 'method', 'route'] as const;
  const requests = metrics.counter({
    name: 'talos_http_requests_total',
    help: 'Requests by the pattern of their route and the status of the answer; left: the client did not wait for it.',
    labels: [...labels, 'status'],
    maxSeries: 2_048,
  });
  const durations = metrics.histogram({
    name: 'talos_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer.',
    labels,
    buckets: BUCKETS,
  });
  return (service: string, route: RouteDeclaration | undefined): RouteMeter => {
    const of = { service, method: route?.method ?? 'none', route: route?.path ?? 'none' };
    const byStatus: CounterSeries[] = [];
    return {
      duration: durations.with(of),
      byStatus,
      count: (status) => {
        const made = requests.with({ ...of, status: status === 0 ? 'left' : String(status) });
        byStatus[status] = made;
        return made;
      },
    };
  };
}

function createMeter(make: (route?: RouteDeclaration) => RouteMeter, clock: Clock) {
  const byRoute = new Map<RouteDeclaration, RouteMeter>();
  const unrouted = make();
  let inFlight = 0;
  // One function for all answers: a closure for each would be the most that a request allocates here.
  function onClose(this: ServerResponse): void {
    inFlight -= 1;
    const { [STARTED]: started = 0, [ROUTE]: route = unrouted } = this as Metered;
    route.duration.record((clock.monotonic() - started) / 1000);
    const status = this.writableFinished ? this.statusCode : 0;
    (route.byStatus[status] ?? route.count(status)).add();
  }
  const begin = (response: ServerResponse): void => {
    inFlight += 1;
    (response as Metered)[STARTED] = clock.monotonic();
    response.on('close', onClose);
  };
  const routed = (response: ServerResponse, route: RouteDeclaration): void => {
    const meter = byRoute.get(route) ?? make(route);
    byRoute.set(route, meter);
    (response as Metered)[ROUTE] = meter;
  };
  return { meter: { begin, routed }, count: () => inFlight };
}
