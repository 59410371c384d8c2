import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeSessionId } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, expect, it } from 'vitest';
import { createListener } from '../http.js';
import type { Route } from '../routes.js';
import { clock, random } from '../system.js';
import { createTestLog } from '../testing/test-log.js';
import { createForwarding } from './forward.js';
import { createNodeCaller } from './node-caller.js';
import type { NodeRun } from './node-run.js';
import { createSessionRouting } from './session-routing.js';

const self = { node: 1, boot: 1 };
const owner = { node: 2, boot: 1 };
const OURS = 'a-nonce-of-the-owner';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A node in front of an owner at `url`, and whom it told others to be gone. */
async function front(url: string): Promise<{ readonly url: string; readonly suspects: NodeRun[] }> {
  const suspects: NodeRun[] = [];
  const row = { ...owner, url, gateway: 'did:key:zA', services: ['gateway'], version: '1', age: 0 };
  const found = { ...row, started: new Date(0), ended: false };
  const log = createTestLog();
  const caller = createNodeCaller({
    self,
    key: new Uint8Array(32).fill(1),
    crypto: createNodeCrypto(),
    clock,
  });
  const { wrap } = createSessionRouting({
    registry: { self, find: async () => found, suspect: (run) => void suspects.push(run) },
    forwarding: createForwarding({ caller, log }),
    limiter: { take: () => undefined },
    runOfNonce: (nonce) => (nonce === OURS ? owner : undefined),
  });
  const own: Route = {
    method: 'DELETE',
    path: '/x',
    surface: 'agent',
    audit: 'none',
    handle: (_, response) => void response.writeHead(401).end(),
  };
  const listener = await createListener({
    name: 'front',
    routes: [wrap(own, 'gateway')],
    guards: {},
    ...{ host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [], clock, random, log },
  });
  closing.push(() => listener.closeGracefully(0));
  return { url: `${listener.url}/x`, suspects };
}

async function endSession(url: string): Promise<number> {
  const sid = encodeSessionId({ ...owner, slot: 0, random: new Uint8Array(16) });
  const rid = '01890a5d-ac96-774b-bcce-b302099a8057';
  const authorization = `Talos sid=${sid}, seq=1, rid=${rid}, mac=${'A'.repeat(22)}`;
  return (await fetch(url, { method: 'DELETE', headers: { authorization } })).status;
}

// SES-15, SES-18
it.each([
  ['alone', `talos=("@method");nonce="${OURS}"`],
  ['behind a space', `talos=("@method");created=1; nonce="${OURS}"`],
  [
    'behind that of somebody else',
    `bot=("@authority");nonce="${'b'.repeat(24)}", talos=("@method");nonce="${OURS}"`,
  ],
])('finds the owner of a nonce in a signature that stands %s', async (_, input) => {
  const { url, suspects } = await front('http://127.0.0.1:1');
  await fetch(url, { method: 'DELETE', headers: { 'signature-input': input } });
  expect(suspects).toMatchObject([owner]);
});

it('looks at a few signatures of a request only', async () => {
  const { url, suspects } = await front('http://127.0.0.1:1');
  const others = Array.from({ length: 8 }, (_, n) => `s${n}=();nonce="${'b'.repeat(24)}"`);
  const input = [...others, `talos=();nonce="${OURS}"`].join(', ');
  await fetch(url, { method: 'DELETE', headers: { 'signature-input': input } });
  expect(suspects).toEqual([]);
});

it('tells others that an owner is gone where nobody listens', async () => {
  const { url, suspects } = await front('http://127.0.0.1:1');
  expect(await endSession(url)).toBe(401);
  expect(suspects).toMatchObject([owner]);
});

it('tells nobody so for a connection that broke: whoever calls can make it break', async () => {
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => server.close());
  const { url, suspects } = await front(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await endSession(url)).toBe(401);
  expect(suspects).toEqual([]);
});
