import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';

const SECRET = Buffer.alloc(32, 7);
let world: LlmWorld;
let server: Server;
let status = 200;
const told: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    told.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  world = await openLlmWorld({
    TALOS_ALERT_WEBHOOK: `http://127.0.0.1:${port}/canary-path`,
    TALOS_ALERT_WEBHOOK_SECRET: `whsec_${SECRET.toString('base64')}`,
  });
});
afterAll(async () => {
  await world?.close();
  server?.close();
});
beforeEach(() => {
  told.length = 0;
  status = 200;
});

async function reach(name: string): Promise<number> {
  await world.configure((document) => ({
    ...document,
    budgets: [{ name, for: 'principal', per: 'total', calls: 1, warnAt: [100] }],
  }));
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await world.key()}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  return response.status;
}

describe('the webhook of budgets', () => {
  it('BUD-8 is told of a mark, signed, and not of whom it counts for', async () => {
    expect(await reach('first')).toBe(200);
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1);
    const { headers, body } = told[0]!;
    expect(JSON.parse(body)).toEqual({
      id: headers['webhook-id'],
      type: 'budget.reached',
      timestamp: expect.stringMatching(/Z$/),
      data: {
        budget: 'first',
        kind: 'calls',
        percent: 100,
        allowed: 1,
        currency: null,
        per: 'total',
        ends: 0,
      },
    });
    expect(body).not.toContain('did:');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`,
    );
  });

  it('BUD-8 that does not take it, or sends it elsewhere, refuses no call and is told again', async () => {
    status = 302;
    expect(await reach('second')).toBe(200);
    await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    status = 200;
    const before = told.length;
    await expect.poll(() => told.length, { timeout: 30_000 }).toBeGreaterThan(before);
    expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(world.log.join('')).not.toContain('canary-path');
  }, 60_000);
});
