import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTranscript, KEPT_ANSWER, type ModelStream, sendModelAnswer } from './answer.js';

let server: Server;
let stream: ModelStream & { left: number };
let sent: Promise<void>;

/** A stream of so many bits of 64 KiB. */
function streamOf(bits: number): typeof stream {
  async function* all(): AsyncGenerator<string> {
    for (let n = 0; n < bits; n += 1) yield 'x'.repeat(65_536);
  }
  const made = {
    bits: all(),
    seen: createTranscript(),
    left: 0,
    clientLeft: () => {
      made.left += 1;
    },
  };
  return made;
}

beforeEach(async () => {
  server = createServer((_, response) => {
    sent = sendModelAnswer(response, { status: 200, headers: {}, body: stream }, 200);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

// LLM-8
describe('a stream to a client', () => {
  it('goes out whole to one that reads', async () => {
    stream = streamOf(40);
    const text = await (await fetch(url())).text();
    expect([text.length, stream.left]).toEqual([40 * 65_536, 0]);
    await sent;
  });

  it('is read on, and held back by nobody, once a client takes nothing for long', async () => {
    stream = streamOf(2_000);
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await new Promise((resolve) => server.once('request', resolve));
    await sent;
    expect(stream.left).toBe(1);
    socket.destroy();
  });

  it('is read on where a client leaves', async () => {
    stream = streamOf(2_000);
    const controller = new AbortController();
    const response = await fetch(url(), { signal: controller.signal });
    controller.abort();
    await response.text().catch(() => undefined);
    await sent;
    expect(stream.left).toBe(1);
  });
});

describe('an answer that is kept', () => {
  it('comes back as it was', () => {
    const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
    const { form, hash } = KEPT_ANSWER.of(answer);
    expect(KEPT_ANSWER.answer(form!)).toEqual(answer);
    expect(hash).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
  });

  it('of a stream is all that went by, and its hash that of all of it', () => {
    const seen = createTranscript();
    for (const bit of ['{"a"', ':1}']) seen.add(bit);
    const body = { ...streamOf(0), seen };
    const kept = KEPT_ANSWER.of({ status: 200, headers: {}, body });
    expect(kept.form?.['body']).toBe('{"a":1}');
    expect(kept.hash).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
    expect(KEPT_ANSWER.of({ status: 200, headers: {}, body }).hash).toBe(kept.hash);
  });

  it('is not kept if it is large', () => {
    const seen = createTranscript();
    for (let n = 0; n < 100; n += 1) seen.add('x'.repeat(1_000));
    expect(KEPT_ANSWER.of({ status: 200, headers: {}, body: { ...streamOf(0), seen } })).not.toHaveProperty(
      'form',
    );
  });
});
