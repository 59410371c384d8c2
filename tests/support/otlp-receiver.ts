import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  readonly isError: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Members besides those that are shown here and may hold words. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A receiver of OTLP over HTTP (`/v1/traces`), which decodes the JSON of what it is sent. */
export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Every body as it came. */
  readonly bodies: Buffer[];
  readonly requests: IncomingMessage[];
  /** Attributes of the resource that sent the last spans. */
  resource: Readonly<Record<string, unknown>>;
  /** Answers every export from now on. */
  answer: (response: ServerResponse) => void;
  close(): Promise<void>;
}

const taken = (response: ServerResponse): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');

/** Starts one on a free port of this machine. */
export async function openOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    bodies: [],
    requests: [],
    resource: {},
    answer: taken,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    receiver.bodies.push(Buffer.concat(chunks));
    receiver.requests.push(request);
    if (request.headers['content-type'] === 'application/json') decode(receiver);
    receiver.answer(response);
  });
  return receiver;
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}
interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code: number };
}
interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function decode(receiver: OtlpReceiver): void {
  const { resourceSpans } = JSON.parse(receiver.bodies.at(-1)?.toString('utf8') ?? '') as Exported;
  for (const { resource, scopeSpans } of resourceSpans) {
    receiver.resource = valuesOf(resource.attributes);
    receiver.spans.push(...scopeSpans.flatMap(({ spans }) => spans.map(received)));
  }
}

function received(span: ExportedSpan): ReceivedSpan {
  const { traceId, spanId, parentSpanId, name, kind, attributes, status, ...rest } = span;
  const { startTimeUnixNano, endTimeUnixNano, ...more } = rest;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: kind === 2 ? 'server' : kind === 3 ? 'client' : 'other',
    isError: status.code === 2,
    startMs: Number(BigInt(startTimeUnixNano) / 1000n) / 1000,
    endMs: Number(BigInt(endTimeUnixNano) / 1000n) / 1000,
    attributes: valuesOf(attributes),
    rest: more,
  };
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
