import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { TrustError } from '@talosprotocol/protocol';
import { Agent, type Dispatcher, errors, request } from 'undici';
import { createOutwardLookup, REFUSED_ADDRESS } from '../../platform/outward-address.js';
import type { ModelTarget } from './model-name.js';
import type { ProviderPolicy } from './provider.js';
import { secondsOf } from './retry-after.js';

/** One request to a provider. */
export interface UpstreamRequest {
  readonly provider: ProviderPolicy;
  readonly model: string;
  /** Those that are asked if this one has no answer. */
  readonly others: readonly ModelTarget[];
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

/** What a provider answered, before its body. */
export interface UpstreamAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Of `content-type`, without parameters. */
  readonly type: string;
  /** Seconds, if the provider says when to try again. */
  readonly retryAfter: number | undefined;
  readonly body: Readable;
}

/** There is no answer. */
export interface UpstreamFailure {
  readonly kind: 'failure';
  /** UPSTREAM_FAILED: it cannot be reached, is late, or answers what is no HTTP; or why the call was aborted. */
  readonly error: TrustError;
  /** False if the provider cannot have seen the request, so that it did nothing that costs. */
  readonly wasSent: boolean;
}

/** Connections to providers. */
export interface Upstreams {
  /** Never rejects. */
  send(request: UpstreamRequest): Promise<UpstreamAnswer | UpstreamFailure>;
  close(): Promise<void>;
}

/** A load balancer on the way ends those that are idle for a minute. */
const KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 32_768;

/** Builds it. Redirects are not followed: whoever answers with one would be sent the key. Each call has a connection of its own,
 *  of which there are as many as calls may run at a time, and none to where a machine is told its own keys. `now` is in Unix milliseconds. */
export function createUpstreams(
  now: () => number,
  lookup: LookupFunction = createOutwardLookup(),
): Upstreams {
  const agents = new Map<number, Dispatcher>();
  // Whatever went wrong before a connection was there, also with TLS: of its errors there are more than could be listed.
  const unconnected = new WeakSet<Error>();
  const agentOf = ({ times: { connect } }: ProviderPolicy): Dispatcher => {
    const known = agents.get(connect);
    if (known !== undefined) return known;
    const agent = new Agent({
      connect: { timeout: connect, lookup },
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    agent.on('connectionError', (_, __, error) => void unconnected.add(error));
    agents.set(connect, agent);
    return agent;
  };
  return {
    send: async ({ provider, path, headers, body, signal }) => {
      const { firstByte, idle } = provider.times;
      const options = {
        method: 'POST',
        dispatcher: agentOf(provider),
        headers: { ...headers, 'content-type': 'application/json', 'accept-encoding': 'identity' },
        body,
        signal,
        headersTimeout: firstByte,
        bodyTimeout: idle,
      } as const;
      const answer = await request(`${provider.baseUrl}${path}`, options).catch(
        (error: unknown): UpstreamFailure => ({
          kind: 'failure',
          error: failed(error, signal),
          wasSent: !isUnsent(error) && !(error instanceof Error && unconnected.has(error)),
        }),
      );
      if ('kind' in answer) return answer;
      // Whoever reads it hears of its end; whoever gives it up does not want to.
      answer.body.on('error', () => undefined);
      const encoding = answer.headers['content-encoding'];
      if (encoding !== undefined && encoding !== 'identity') {
        answer.body.destroy();
        const error = new TrustError(
          'UPSTREAM_FAILED',
          'the provider sent an encoding that was not asked for',
        );
        return { kind: 'failure', error, wasSent: true };
      }
      return {
        kind: 'answer',
        status: answer.statusCode,
        type: typeOf(answer.headers['content-type']),
        retryAfter: secondsOf(answer.headers['retry-after'], now),
        body: answer.body,
      };
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

type Header = string | string[] | undefined;

function typeOf(value: Header): string {
  const first = Array.isArray(value) ? value[0] : value;
  return (first ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** What went wrong on the way, in words that hold nothing of what was sent. An abort keeps its own reason. */
export function failed(error: unknown, signal: AbortSignal): TrustError {
  if (signal.aborted && signal.reason instanceof TrustError) return signal.reason;
  return new TrustError('UPSTREAM_FAILED', reasonOf(error, signal), { hint: HINT }, error);
}

/** What fails before there is a connection. */
const UNSENT: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'],
  ...['UND_ERR_CONNECT_TIMEOUT', REFUSED_ADDRESS, 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  // No request could be made of it.
  'UND_ERR_INVALID_ARG',
]);

function isUnsent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isUnsent);
  return error instanceof Error && 'code' in error && UNSENT.has(String(error.code));
}

const HINT = 'Try again; if it stays so, the operator sees in the log what the provider did.';

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'the provider took longer than a call may';
  if (error instanceof TrustError && error.data.reason !== undefined) return error.data.reason;
  if (error instanceof errors.InvalidArgumentError)
    return 'the key of the provider has characters that no header may have, as an end of line';
  if (error instanceof errors.ConnectTimeoutError) return 'the provider did not take the connection in time';
  if (error instanceof errors.HeadersTimeoutError) return 'the provider did not begin to answer in time';
  if (error instanceof errors.BodyTimeoutError) return 'the provider stopped in the middle of its answer';
  if (error instanceof Error && 'code' in error && error.code === REFUSED_ADDRESS)
    return 'the name of the provider leads to an address that nothing is sent to';
  return 'the provider could not be reached, or ended the connection';
}
