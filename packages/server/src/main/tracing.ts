import { measureSpans } from '../platform/telemetry/span-meter.js';
import type { Telemetry } from '../platform/telemetry/telemetry.js';
import type { Foundation } from './foundation.js';

/** The way of spans out of this process; undefined where nobody set one: then nothing of it is loaded. */
export async function openTracing(
  { settings, metrics, log }: Foundation,
  version: string,
): Promise<Telemetry | undefined> {
  const meter = measureSpans(metrics);
  if (settings.telemetry === undefined) return undefined;
  const { openTelemetry } = await import('../platform/telemetry/telemetry.js');
  return openTelemetry(settings.telemetry, { meter, log: log.child({ room: 'telemetry' }), version });
}
