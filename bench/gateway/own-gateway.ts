import { writeFile } from 'node:fs/promises';
import { createSigner, formatBearerKey } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createGatewayClient, createKernelClient, createSecretsClient } from '@talosprotocol/sdk';
import { type Ready, readAdminToken } from '../platform.js';

/** Micro-dollars for a million tokens. */
const RATES = { currency: 'USD', input: 150_000, output: 600_000 } as const;

/** Puts providers behind the gateway with everything on that a production has: a key that is kept, a price, a rate. Gives a bearer key of
 *  two links, of which the last has a budget. */
export async function openModels(ready: Ready, providers: Readonly<Record<string, string>>): Promise<string> {
  const adminToken = await readAdminToken(ready);
  const kernel = createKernelClient({ url: ready.kernel, adminToken });
  await createSecretsClient({ url: ready.kernel, adminToken }).set('bench-key', 'sk-bench');
  const { organisation } = await kernel.wellKnown();
  const entries = Object.entries(providers).map(([name, url]) => [
    name,
    { api: 'openai', baseUrl: `${url}/v1`, key: 'bench-key', models: { bench: { rates: RATES } } },
  ]);
  const document = {
    version: 1,
    anchors: [{ iss: organisation, tenant: 'default', grants: [{ scope: 'llm:*', ops: ['read', 'write'] }] }],
    servers: {},
    providers: Object.fromEntries(entries),
    rates: [{ per: 'key', requests: { perMinute: 100_000_000 } }],
    limits: { perAddressPerMinute: 10_000_000, maxConcurrentCalls: 4096 },
  };
  await writeFile(ready.config, JSON.stringify(document), { mode: 0o600 });
  await createGatewayClient({ url: ready.gateway, adminToken }).reloadPolicy();
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const { chain } = await kernel.issueCapability({
    sub: createSigner(seed, createNodeCrypto()).did,
    aud: [ready.gatewayDid],
    grants: [{ scope: 'llm:*', ops: ['write'] }],
    limits: [{ per: 'day', cost: { amount: 1_000_000_000_000, currency: 'USD' } }],
    exp: Math.floor(Date.now() / 1000) + 3600,
    bearer: true,
  });
  return formatBearerKey(chain, seed);
}
