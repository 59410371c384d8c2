import { randomBytes } from 'node:crypto';
import type { Grant } from '@talosprotocol/contracts';
import type { AttenuateOptions } from '@talosprotocol/protocol';
import { attenuate, encodeScopeValue, parseChain } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import type { StepOutcome } from './step.js';
import { part, type World } from './world.js';

export const crypto = createNodeCrypto();
const MINUTES = 60;

/** The scope of one tool, or of all, below a folder. */
export function scopeBelow(tool: string, folder: string): string {
  return `tool:filesystem/method:${tool}/resource:${folder
    .split('/')
    .map((name) => (name === '' ? '' : encodeScopeValue(name)))
    .join('/')}`;
}

/** The organisation gives the agent a capability, and the agent passes on less of it, offline. */
export async function issueAndNarrow(world: World): Promise<StepOutcome> {
  const { docs, files } = world.scratch;
  const kernel = part(world, 'kernel');
  const agent = part(world, 'agent');
  const worker = part(world, 'worker');
  await kernel.registerSigner(agent.signer, { kind: 'agent', name: 'agent' });
  const { chain } = await kernel.issueCapability({
    sub: agent.did,
    aud: [part(world, 'server').ready.gatewayDid],
    grants: [{ scope: scopeBelow('*', docs), ops: ['read'] }],
    exp: seconds(world) + 60 * MINUTES,
    dlg: 1,
  });
  world.agentChain = chain;
  world.workerChain = narrow(world, { limits: [{ per: 'total', calls: 5 }] });
  const [link1, link2] = parseChain(world.workerChain, crypto).links;
  return {
    ok: true,
    lines: [
      `organisation -> agent: read with any tool below ${docs}, 60 minutes, may be passed on once (link ${link1?.lid.slice(0, 8)})`,
      `agent -> sub-agent, offline: only read_text_file, only below ${docs}, 5 calls, 15 minutes (link ${link2?.lid.slice(0, 8)})`,
      `nothing outside ${files.slice(files.lastIndexOf('/') + 1)}/docs, and no write, can come back in: each link is checked on every call`,
    ],
    facts: { holder: worker.did, links: [link1?.lid, link2?.lid], chain_bytes: world.workerChain.length },
  };
}

/** The agent's own act, with the agent's key: no call to anybody. */
export function narrow(world: World, change: Partial<AttenuateOptions> = {}, now = seconds(world)): string {
  const grants: Grant[] = [{ scope: scopeBelow('read_text_file', world.scratch.docs), ops: ['read'] }];
  const options = { sub: part(world, 'worker').did, grants, exp: now + 15 * MINUTES, ...change };
  const deps = {
    crypto,
    now: () => now,
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
  };
  return attenuate(part(world, 'agentChain'), options, part(world, 'agent').signer, deps).chain;
}

export function seconds(world: World): number {
  return Math.floor(world.now() / 1000);
}
