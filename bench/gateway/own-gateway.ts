import { readFile, writeFile } from 'node:fs/promises';
import type { Limit } from '@talosprotocol/contracts';
import { createSigner, formatBearerKey } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { createGatewayClient, createKernelClient, createSecretsClient } from '@talosprotocol/sdk';
import { type Ready, readAdminToken } from '../platform.js';

/** Micro-dollars for a million tokens. */
const RATES = { currency: 'USD', input: 150_000, output: 600_000 } as const;

const RATE = { per: 'key', requests: { perMinute: 100_000_000 } };

/** Keys for what was opened. */
export interface OpenedModels {
  /** With a budget. */
  readonly key: string;
  readonly keyWithoutBudget: string;
}

/** Puts providers behind the gateway with everything on that a production has: a key that is kept, a price, a rate. */
export async function openModels(
  ready: Ready,
  providers: Readonly<Record<string, string>>,
): Promise<OpenedModels> {
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
    rates: [RATE],
    limits: { perAddressPerMinute: 10_000_000, maxConcurrentCalls: 4096 },
  };
  await writeFile(ready.config, JSON.stringify(document), { mode: 0o600 });
  await createGatewayClient({ url: ready.gateway, adminToken }).reloadPolicy();
  const issue = async (limits: Limit[] | undefined): Promise<string> => {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const { chain } = await kernel.issueCapability({
      sub: createSigner(seed, createNodeCrypto()).did,
      aud: [ready.gatewayDid],
      grants: [{ scope: 'llm:*', ops: ['write'] }],
      ...(limits === undefined ? {} : { limits }),
      exp: Math.floor(Date.now() / 1000) + 3600,
      bearer: true,
    });
    return formatBearerKey(chain, seed);
  };
  return {
    key: await issue([{ per: 'day', cost: { amount: 1_000_000_000_000, currency: 'USD' } }]),
    keyWithoutBudget: await issue(undefined),
  };
}

/** Has calls counted by a rate, or by none. */
export async function setRate(ready: Ready, isOn: boolean): Promise<void> {
  const document = JSON.parse(await readFile(ready.config, 'utf8'));
  await writeFile(ready.config, JSON.stringify({ ...document, rates: isOn ? [RATE] : [] }), { mode: 0o600 });
  const adminToken = await readAdminToken(ready);
  await createGatewayClient({ url: ready.gateway, adminToken }).reloadPolicy();
}
