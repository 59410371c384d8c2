import type { ServerResponse } from 'node:http';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { type FakeProvider, messageEvents, sendJson, wholeMessage } from './fake-provider.js';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** One of AWS's binary messages. */
export function awsMessage(
  body: object,
  headers: Readonly<Record<string, string>> = { ':message-type': 'event', ':event-type': 'chunk' },
): Uint8Array {
  const named = Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }] as const);
  return codec.encode({ headers: Object.fromEntries(named), body: Buffer.from(JSON.stringify(body)) });
}

/** An event of a model in one, filled up as AWS does, so that its length tells nothing. */
export const awsEvent = (event: object): Uint8Array =>
  awsMessage({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdefgh' });

/** A message of a model of Anthropic, as Bedrock answers it: whole, or as a stream by the path that was asked. */
export function bedrockAnswer(text: string): FakeProvider['answer'] {
  return async (response, { path }) => {
    const model = decodeURIComponent(path.split('/')[2] ?? '');
    await sendBedrock(response, path, wholeMessage(model, text), messageEvents(model, text));
  };
}

/** The whole of it, or its events, by the path. */
export async function sendBedrock(
  response: ServerResponse,
  path: string,
  whole: object,
  events: readonly object[],
): Promise<void> {
  if (path.endsWith('/invoke')) return sendJson(response, 200, whole);
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
  const bytes = Buffer.concat(events.map(awsEvent));
  // Where a message ends is nothing that a network keeps to.
  for (let at = 0; at < bytes.length; at += 101) {
    response.write(bytes.subarray(at, at + 101));
    await new Promise(setImmediate);
  }
  response.end();
}
