import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers in place of the endpoint: from the parameters, and what the endpoint would have said. */
export type Lie = (params: readonly unknown[], honest: () => Promise<unknown>) => unknown;

/** An endpoint before another one, which lies as told. */
export interface LyingRpc {
  readonly url: string;
  /** What is lied about, by method. May change at any time. */
  readonly lies: Map<string, Lie>;
  /** The methods that were asked for, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** A refusal, as JSON-RPC has them. */
export class Refusal extends Error {}

export async function startLyingRpc(target: string): Promise<LyingRpc> {
  const lies = new Map<string, Lie>();
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const text = await readText(request);
    const { id, method, params } = JSON.parse(text) as { id: number; method: string; params: unknown[] };
    asked.push(method);
    const honest = () => ask(target, text);
    const answer = await answerOf(() => lies.get(method)?.(params, honest) ?? honest());
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lies,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerOf(answer: () => unknown): Promise<object> {
  try {
    return { result: await answer() };
  } catch (error) {
    return { error: { code: -32_000, message: (error as Error).message } };
  }
}

async function ask(target: string, body: string): Promise<unknown> {
  const response = await fetch(target, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const { result, error } = (await response.json()) as { result: unknown; error?: { message: string } };
  if (error !== undefined) throw new Refusal(error.message);
  return result;
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
