import { isTrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../settings.js';

const user = { platform: 'linux', uid: 1000 } as const;
const BASE = { HOME: '/home/ann' };
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
const read = (env: Record<string, string>) => readSettings({ ...BASE, ...env }, user).telemetry;

function faultsOf(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    if (isTrustError(error) && error.code === 'SETTINGS_INVALID') return error.message;
    throw error;
  }
  return 'none';
}

// TEL-1
describe('where spans go', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing is said', {}],
    ['only the rest is said', { OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }],
    ['the address is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['it is turned off', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
    ['there is no exporter', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['what is off has a fault', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  ])('is nowhere if %s', (_, env) => {
    expect(read(env)).toBeUndefined();
  });

  it('has defaults', () => {
    const found = read(ENDPOINT);
    expect(found).toMatchObject({
      protocol: 'http/protobuf',
      service: 'talos',
      sampler: { ratio: 1, isParentBased: false },
      limits: { queue: 2048, delayMs: 5000, timeoutMs: 10_000 },
    });
    expect(found?.url.reveal()).toBe('http://127.0.0.1:4318/v1/traces');
    expect(found?.headers.reveal()).toEqual({});
  });

  it('is as the variables say, those of traces before those of all signals', () => {
    const found = read({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://h.example/api/otel?key=1',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-a=%2',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '700',
      OTEL_SERVICE_NAME: 'our gateway',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BSP_MAX_QUEUE_SIZE: '9',
    });
    expect(found).toMatchObject({
      protocol: 'http/json',
      service: 'our gateway',
      limits: { queue: 9, delayMs: 50, timeoutMs: 700 },
    });
    expect(found?.url.reveal()).toBe('https://h.example/api/otel?key=1');
    expect(found?.headers.reveal()).toEqual({ authorization: 'Basic YTpi', 'x-a': '%2' });
    expect(JSON.stringify(found)).not.toContain('YTpi');
    expect(JSON.stringify(found)).not.toContain('h.example');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'an address that is none',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' },
      /_ENDPOINT must be an http/,
    ],
    ['a user in it', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://a:canary@h' }, /_ENDPOINT must be/],
    ['no host', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://:99999' }, /_ENDPOINT must have a host/],
    [
      'another protocol',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /_PROTOCOL must be http\/protobuf/,
    ],
    [
      'headers that are none',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'canary' },
      /_HEADERS must be name=value/,
    ],
    ['a sampler that is none', { ...ENDPOINT, OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /_SAMPLER must be/],
    ['a share above 1', { ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: '2' }, /_ARG must be a share/],
    ['a queue of nothing', { ...ENDPOINT, OTEL_BSP_MAX_QUEUE_SIZE: '0' }, /_QUEUE_SIZE must be/],
  ])('is refused for %s, and no value is told', (_, env, fault) => {
    expect(faultsOf(env)).toMatch(fault);
    expect(faultsOf(env)).not.toContain('canary');
  });

  it('is no open network in production, where headers are sent', () => {
    const production = {
      TALOS_ENV: 'production',
      TALOS_KEY_PASSPHRASE: 'correct horse battery',
      TALOS_DATABASE_URL: 'postgres://u@h/d',
    };
    const open = { ...production, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(faultsOf(open)).toBe('none');
    expect(faultsOf({ ...open, OTEL_EXPORTER_OTLP_HEADERS: 'a=b' })).toMatch(/HEADERS needs an https/);
    expect(faultsOf({ ...production, ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'a=b' })).toBe('none');
  });
});

// TEL-2
it.each([
  ['always_on', undefined, { ratio: 1, isParentBased: false }],
  ['always_off', '1', { ratio: 0, isParentBased: false }],
  ['traceidratio', '0.25', { ratio: 0.25, isParentBased: false }],
  ['traceidratio', undefined, { ratio: 1, isParentBased: false }],
  ['parentbased_always_on', '0.1', { ratio: 1, isParentBased: true }],
  ['parentbased_traceidratio', '0', { ratio: 0, isParentBased: true }],
])('the sampler %s %s', (name, share, sampler) => {
  const arg = share === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: share };
  expect(read({ ...ENDPOINT, OTEL_TRACES_SAMPLER: name, ...arg })?.sampler).toEqual(sampler);
});
