import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_WAITING_ALERTS, type WatchAlert } from '@talosprotocol/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../testing/cli.js';
import { createWebhook, type Webhook, type WebhookOptions } from './webhook.js';
import { readWebhookSecret } from './webhook-secret.js';

const SECRET = new Uint8Array(32).fill(7);
const TEXT = `whsec_${Buffer.from(SECRET).toString('base64')}`;

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let url: string;
let got: Got[];
/** What is answered next; 204 once there is nothing more. */
let answers: (number | 'hang' | 'break')[];
let open: Webhook[];

beforeEach(async () => {
  [got, answers, open] = [[], [], []];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    got.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    const answer = answers.shift() ?? 204;
    if (answer === 'break') response.destroy();
    else if (answer !== 'hang')
      response.writeHead(answer, answer === 302 ? { location: '/other' } : {}).end('thanks');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/canary-path`;
});
afterEach(async () => {
  for (const webhook of open) webhook.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const alert = (at: number): WatchAlert => ({
  format: 'talos-alert-v1',
  id: `alr_01890000-0000-7000-8000-${at.toString(16).padStart(12, '0')}`,
  time: '2026-11-01T00:00:00.000Z',
  state: 'raised',
  origin: 'log.test/one',
  kind: 'frozen',
  url: 'http://log.test/',
  detail: `alert ${at}`,
  size: 3,
});

function hook(options: Partial<WebhookOptions> = {}): Webhook {
  const webhook = createWebhook({
    url,
    secret: SECRET,
    fetch,
    now: () => 1_790_000_000_999,
    waiting: [],
    onTaken: () => undefined,
    onFailed: () => undefined,
    pauseMs: 1,
    ...options,
  });
  open.push(webhook);
  return webhook;
}

const bodies = (): string[] => got.map(({ body }) => (JSON.parse(body) as WatchAlert).detail);

// AUD-99
describe('a webhook', () => {
  it('gets an alert as JSON, signed as Standard Webhooks say', async () => {
    const webhook = hook();
    webhook.add([alert(1)]);
    await webhook.drain(5_000);
    const [{ headers, body } = { headers: {}, body: '' }] = got;
    expect(JSON.parse(body)).toEqual(alert(1));
    expect(headers['content-type']).toBe('application/json');
    expect(headers['webhook-id']).toBe(alert(1).id);
    expect(headers['webhook-timestamp']).toBe('1790000000');
    const mac = createHmac('sha256', SECRET)
      .update(`${alert(1).id}.1790000000.${body}`)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
    expect(webhook.waiting()).toEqual([]);
  });

  it.each([500, 404, 302, 'break'] as const)(
    'that answers %s gets it again under the same id, and what follows in order',
    async (answer) => {
      answers = [answer, answer, answer];
      const failed: string[] = [];
      const taken: number[] = [];
      const webhook = hook({
        onFailed: (why) => failed.push(why),
        onTaken: () => taken.push(webhook.waiting().length),
      });
      webhook.add([alert(1), alert(2)]);
      webhook.add([alert(3)]);
      await webhook.drain(5_000);
      expect(bodies()).toEqual(['alert 1', 'alert 1', 'alert 1', 'alert 1', 'alert 2', 'alert 3']);
      expect(new Set(got.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(taken).toEqual([2, 1, 0]);
      expect(webhook.failed()).toBe(3);
      // Said once, and without what in the address may be a secret.
      expect(failed.length).toBe(1);
      expect(failed[0]).toContain(new URL(url).origin);
      expect(failed[0]).not.toContain('canary');
    },
  );

  it('begins with what waited before a restart', async () => {
    const webhook = hook({ waiting: [alert(1), alert(2)] });
    webhook.add([alert(3)]);
    await webhook.drain(5_000);
    expect(bodies()).toEqual(['alert 1', 'alert 2', 'alert 3']);
  });

  it('is not waited for longer than one has, and keeps what it did not take', async () => {
    answers = ['hang'];
    const webhook = hook();
    webhook.add([alert(1)]);
    await webhook.drain(50);
    expect(webhook.waiting()).toEqual([alert(1)]);
    webhook.stop();
    await expect.poll(() => webhook.failed()).toBe(1);
    webhook.add([alert(2)]);
    expect(got.length).toBe(1);
  });

  it('has room for a bounded number of alerts, and gives back the others', () => {
    answers = Array.from({ length: 9 }, () => 'hang' as const);
    const webhook = hook();
    const many = Array.from({ length: MAX_WAITING_ALERTS + 5 }, (_, at) => alert(at));
    expect(webhook.add(many).map(({ detail }) => detail)).toEqual(many.slice(-5).map(({ detail }) => detail));
    expect(webhook.add([alert(1)])).toEqual([alert(1)]);
    expect(webhook.waiting().length).toBe(MAX_WAITING_ALERTS);
  });

  it('waits longer with each failure', async () => {
    answers = Array.from({ length: 100 }, () => 500);
    const webhook = hook({ pauseMs: 20 });
    webhook.add([alert(1)]);
    await webhook.drain(400);
    // 20 + 40 + 80 + 160 ms: without growing it would be twenty.
    expect(got.length).toBeLessThan(8);
  });

  it.each([
    'http://hooks.test/a',
    'ftp://127.0.0.1/',
    'https://user:secret@hooks.test/',
    'https://hooks.test/#fragment',
    'nothing',
  ])('is no %s', (wrong) => {
    expect(() => hook({ url: wrong })).toThrow('no URL that alerts may be sent to');
  });
});

describe('the secret of a webhook', () => {
  let cli: TestCli;
  beforeEach(() => {
    cli = createTestCli();
  });
  afterEach(() => cli.remove());
  const read = (env: Record<string, string>) =>
    readWebhookSecret({ env } as Parameters<typeof readWebhookSecret>[0], undefined);

  it('comes from the environment, or from a file', async () => {
    expect(await read({ TALOS_WEBHOOK_SECRET: `${TEXT}\n` })).toEqual(SECRET);
  });

  it.each([
    ['none', ''],
    ['one without its beginning', TEXT.slice(6)],
    ['one that is too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
    ['one that is too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
    ['no base64', 'whsec_canary-canary-canary-canary-canary!'],
  ])('is refused if it is %s, and not repeated', async (_, text) => {
    const error = await read({ TALOS_WEBHOOK_SECRET: text }).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.name).toBe('UsageError');
    expect(`${error?.message}`).not.toContain('canary');
  });
});
