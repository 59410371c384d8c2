import { createSecret, type Secret } from '../secret.js';

/** Where spans go, and how: OpenTelemetry's own variables. */
export interface TelemetrySettings {
  /** An address may hold a key. */
  readonly url: Secret<string>;
  /** Sent with each export; where there are any, they are keys. */
  readonly headers: Secret<Readonly<Record<string, string>>>;
  readonly protocol: 'http/protobuf' | 'http/json';
  /** `service.name` */
  readonly service: string;
  readonly sampler: SamplerSettings;
  readonly limits: { readonly queue: number; readonly delayMs: number; readonly timeoutMs: number };
}

export interface SamplerSettings {
  /** Share of traces that are recorded. */
  readonly ratio: number;
  /** True if a caller's own `traceparent` says whether its calls are. */
  readonly isParentBased: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly name: string;
  readonly form: RegExp;
  /** Completes "<NAME> must be ...". */
  readonly expected: string;
}

const URL_FORM = /^https?:\/\/[^\s@]{1,2000}$/;
const PAIRS = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ *=[^,\r\n]*(?:, *[!#$%&'*+.^_`|~0-9A-Za-z-]+ *=[^,\r\n]*)*,?$/;
const SAMPLERS = /^(?:parentbased_)?(?:always_on|always_off|traceidratio)$/;
const MILLISECONDS = { form: /^[1-9][0-9]{0,4}$/, expected: 'milliseconds, 1 to 99999' };

/** Those that are heeded. Others of OpenTelemetry are not looked at: they are for whatever else runs in the environment. */
const VARIABLES = {
  endpoint: { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', form: URL_FORM, expected: 'an http or https URL' },
  tracesEndpoint: {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    form: URL_FORM,
    expected: 'an http or https URL',
  },
  headers: { name: 'OTEL_EXPORTER_OTLP_HEADERS', form: PAIRS, expected: 'name=value, separated by commas' },
  tracesHeaders: {
    name: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    form: PAIRS,
    expected: 'name=value, separated by commas',
  },
  protocol: {
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    form: /^http\/(?:protobuf|json)$/,
    expected: 'http/protobuf or http/json',
  },
  tracesProtocol: {
    name: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    form: /^http\/(?:protobuf|json)$/,
    expected: 'http/protobuf or http/json',
  },
  timeout: { name: 'OTEL_EXPORTER_OTLP_TIMEOUT', ...MILLISECONDS },
  service: {
    name: 'OTEL_SERVICE_NAME',
    form: /^[ -~]{1,128}$/,
    expected: 'at most 128 printable characters',
  },
  sampler: {
    name: 'OTEL_TRACES_SAMPLER',
    form: SAMPLERS,
    expected: 'always_on, always_off or traceidratio, with parentbased_ before it or not',
  },
  samplerArg: {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    form: /^(?:0|1|0?\.[0-9]{1,9}|1\.0+)$/,
    expected: 'a share, 0 to 1',
  },
  delay: { name: 'OTEL_BSP_SCHEDULE_DELAY', ...MILLISECONDS },
  queue: { name: 'OTEL_BSP_MAX_QUEUE_SIZE', form: /^[1-9][0-9]{0,4}$/, expected: 'a number, 1 to 99999' },
} as const satisfies Readonly<Record<string, Variable>>;
type Name = keyof typeof VARIABLES;

/** Nothing is sent: no address is set, or somebody says so. */
function isOff(env: Environment): boolean {
  const { endpoint, tracesEndpoint } = VARIABLES;
  return (
    env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' ||
    env['OTEL_TRACES_EXPORTER'] === 'none' ||
    !(env[endpoint.name] || env[tracesEndpoint.name])
  );
}

/** What is wrong with the variables, none if nothing is sent; names of variables, never a value. */
export function telemetryFaults(env: Environment, isProduction: boolean): string[] {
  if (isOff(env)) return [];
  const faults = Object.values<Variable>(VARIABLES).flatMap(({ name, form, expected }) => {
    const value = env[name];
    return !value || form.test(value) ? [] : [`${name} must be ${expected}`];
  });
  if (faults.length > 0) return faults;
  const { url, headers } = settingsOf(env);
  if (!URL.canParse(url.reveal())) return ['OTEL_EXPORTER_OTLP_ENDPOINT must have a host of its own'];
  const { protocol, hostname } = new URL(url.reveal());
  const isOpen = protocol === 'http:' && !LOOPBACK.test(hostname);
  if (isProduction && isOpen && Object.keys(headers.reveal()).length > 0)
    return ['OTEL_EXPORTER_OTLP_HEADERS needs an https endpoint in production: others could read along'];
  return [];
}

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/i;

/** Undefined if nothing is sent. The variables have no fault. */
export function telemetrySettings(env: Environment): TelemetrySettings | undefined {
  return isOff(env) ? undefined : settingsOf(env);
}

function settingsOf(env: Environment): TelemetrySettings {
  const value = (name: Name): string | undefined => env[VARIABLES[name].name] || undefined;
  const number = (name: Name, fallback: number): number => Number(value(name) ?? fallback);
  const base = value('endpoint') ?? '';
  const headers = { ...pairs(value('headers')), ...pairs(value('tracesHeaders')) };
  return {
    url: createSecret(value('tracesEndpoint') ?? `${base.replace(/\/+$/, '')}/v1/traces`),
    headers: createSecret(headers),
    protocol: (value('tracesProtocol') ??
      value('protocol') ??
      'http/protobuf') as TelemetrySettings['protocol'],
    service: value('service') ?? 'talos',
    sampler: samplerOf(value('sampler') ?? 'always_on', number('samplerArg', 1)),
    limits: {
      queue: number('queue', 2_048),
      delayMs: number('delay', 5_000),
      timeoutMs: number('timeout', 10_000),
    },
  };
}

/** What a caller says of its own trace decides nothing unless the operator wants it so: it could hide its calls from whoever watches,
 *  or have all of them recorded. That is why the default is `always_on`, where that of OpenTelemetry heeds the caller. */
function samplerOf(name: string, share: number): SamplerSettings {
  const isParentBased = name.startsWith('parentbased_');
  if (name.endsWith('always_off')) return { isParentBased, ratio: 0 };
  return { isParentBased, ratio: name.endsWith('always_on') ? 1 : share };
}

/** Values are percent-encoded, as in W3C Baggage. */
function pairs(text = ''): Record<string, string> {
  const found = text.split(',').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    if (equals < 1) return [];
    return [[pair.slice(0, equals).trim(), decoded(pair.slice(equals + 1).trim())]];
  });
  return Object.fromEntries(found);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
