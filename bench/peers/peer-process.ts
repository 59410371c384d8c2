import { createInterface } from 'node:readline';
import type { Contender } from '../runner.js';

/** Serves one contender over standard input and output, for peers that need a process of their own: a line
 *  `{"prepare": n}` or `{"run": n}` is answered with `{"done": n}` or `{"error": text}`. Ends with its input. */
export async function servePeer(contender: Contender): Promise<void> {
  answer({ ready: contender.name });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      answer(await obey(contender, JSON.parse(line) as Order));
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** What a peer's process is asked to do; a count of operations. */
type Order = { readonly prepare: number } | { readonly run: number };

async function obey(contender: Contender, order: Order): Promise<object> {
  if ('prepare' in order) {
    contender.prepare?.(order.prepare);
    return { done: order.prepare };
  }
  await contender.run(order.run);
  return { done: order.run };
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
