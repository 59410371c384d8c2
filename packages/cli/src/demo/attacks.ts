import { encodeBase64url, encodeUtf8, type JsonObject, parseChain, signJws } from '@talosprotocol/protocol';
import { createAgent, type Denial, parseRefusal } from '@talosprotocol/sdk';
import type { CallOutcome } from './call-outcome.js';
import { connect, denialOrThrow } from './calls.js';
import { crypto, narrow, scopeBelow, seconds } from './capabilities.js';
import { launch } from './platform.js';
import { part, type World } from './world.js';

/** One thing that must not work, and how it must be refused. */
export interface Attack {
  readonly id: string;
  readonly title: string;
  readonly expect: { readonly code: Denial['code']; readonly link?: number };
  run(world: World): Promise<CallOutcome>;
}

const read = (path: (world: World) => string) => (world: World) =>
  part(world, 'calls').call('read_text_file', { path: path(world) });

/** In this order: those that need the first session, then the limit and the crash, then other capabilities. */
export const ATTACKS: readonly Attack[] = [
  {
    id: 'write',
    title: 'write a file in the folder it may read',
    expect: { code: 'SCOPE_MISMATCH', link: 2 },
    run: (world) =>
      part(world, 'calls').call('write_file', { path: `${world.scratch.docs}/new.txt`, content: 'x' }),
  },
  {
    id: 'outside',
    title: 'read a path outside the folder',
    expect: { code: 'SCOPE_MISMATCH', link: 1 },
    run: read(({ scratch }) => scratch.secret),
  },
  {
    id: 'dot-dot',
    title: 'the same path by way of ..',
    expect: { code: 'CONSTRAINT_VIOLATED' },
    run: read(({ scratch }) => `${scratch.docs}/../private/payroll.txt`),
  },
  {
    id: 'symlink',
    title: 'the same path through a symbolic link inside the folder',
    expect: { code: 'SCOPE_MISMATCH', link: 1 },
    run: read(({ scratch }) => scratch.escape),
  },
  {
    id: 'other-tool',
    title: 'another tool, which the agent has and the sub-agent has not',
    expect: { code: 'SCOPE_MISMATCH', link: 2 },
    run: (world) => part(world, 'calls').call('list_directory', { path: world.scratch.docs }),
  },
  {
    id: 'replay',
    title: 'send an answered request again, byte for byte',
    expect: { code: 'REPLAY' },
    run: replay,
  },
  { id: 'sixth-call', title: 'a sixth call', expect: { code: 'BUDGET_EXCEEDED', link: 2 }, run: useUp },
  {
    id: 'sixth-after-crash',
    title: 'the same after kill -9 of the platform and a restart',
    expect: { code: 'BUDGET_EXCEEDED', link: 2 },
    run: crashAndCall,
  },
  {
    id: 'altered',
    title: 'the capability with one byte altered',
    expect: { code: 'SIGNATURE_INVALID', link: 2 },
    run: (world) => openWith(world, altered(part(world, 'workerChain'))),
  },
  {
    id: 'widened-edit',
    title: 'widened by hand: the payload edited, the signature kept',
    expect: { code: 'SIGNATURE_INVALID', link: 2 },
    run: (world) =>
      openWith(
        world,
        widened(world, (signed) => signed),
      ),
  },
  {
    id: 'widened-resigned',
    title: 'widened by hand: the payload edited, the link signed again by its own holder',
    expect: { code: 'SIGNATURE_INVALID', link: 2 },
    run: (world) =>
      openWith(
        world,
        widened(world, (_, claims) => resigned(world, claims)),
      ),
  },
  {
    id: 'widened-parent',
    title: 'widened by the agent itself, with valid signatures all along',
    expect: { code: 'SCOPE_MISMATCH', link: 1 },
    run: (world) =>
      callWith(
        world,
        narrow(world, { grants: [{ scope: 'tool:filesystem', ops: ['read', 'write'] }] }),
        world.scratch.secret,
      ),
  },
  {
    id: 'expired',
    title: 'a capability that ended half an hour ago',
    expect: { code: 'EXPIRED', link: 2 },
    run: (world) => openWith(world, narrow(world, {}, seconds(world) - 45 * 60)),
  },
  {
    id: 'revoked',
    title: 'a capability whose parent was revoked a moment ago',
    expect: { code: 'REVOKED', link: 1 },
    run: revokeParent,
  },
];

/** The wire request of an allowed call, again: same session, same number, same MAC. */
async function replay(world: World): Promise<CallOutcome> {
  const calls = part(world, 'calls');
  await calls.call('read_text_file', { path: world.scratch.guide });
  const sent = calls.lastSent();
  if (sent === undefined) throw new Error('no call was sent');
  const response = await fetch(sent.url, sent.init);
  const text = await response.text();
  const denial = parseRefusal(text);
  if (denial === undefined) return { allowed: true, text, failed: false };
  return { allowed: false, denial };
}

/** Two of five calls were used before: three more pass, the next does not. */
async function useUp(world: World): Promise<CallOutcome> {
  for (let call = 3; call <= 5; call += 1) {
    const outcome = await part(world, 'calls').call('read_text_file', { path: world.scratch.guide });
    if (!outcome.allowed) return outcome;
  }
  return part(world, 'calls').call('read_text_file', { path: world.scratch.guide });
}

async function crashAndCall(world: World): Promise<CallOutcome> {
  await part(world, 'server').kill();
  await launch(world);
  world.calls = await connect(world, part(world, 'workerChain'));
  return world.calls.call('read_text_file', { path: world.scratch.guide });
}

/** Opens a session with a chain that must not be accepted. */
async function openWith(world: World, chain: string): Promise<CallOutcome> {
  const { gateway } = part(world, 'server').ready;
  const agent = createAgent({ identity: part(world, 'worker'), capability: chain, gateway });
  try {
    const response = await agent.fetch(new URL('/mcp', gateway), {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    return { allowed: true, text: await response.text(), failed: false };
  } catch (error) {
    return { allowed: false, denial: denialOrThrow(error) };
  }
}

async function callWith(world: World, chain: string, path: string): Promise<CallOutcome> {
  const calls = await connect(world, chain);
  try {
    return await calls.call('read_text_file', { path });
  } finally {
    await calls.close();
  }
}

/** One character of the last signature, turned into another. */
function altered(chain: string): string {
  const at = chain.lastIndexOf('.') + 10;
  return `${chain.slice(0, at)}${chain[at] === 'A' ? 'B' : 'A'}${chain.slice(at + 1)}`;
}

/** The chain with its last link's payload widened to the whole scratch folder, both operations and no limit. */
function widened(world: World, sign: (edited: string, claims: JsonObject) => string): string {
  const { links, leaf } = parseChain(part(world, 'workerChain'), crypto);
  const { limits: _dropped, ...kept } = leaf.claims;
  const claims = {
    ...kept,
    grants: [{ scope: scopeBelow('*', world.scratch.files), ops: ['read', 'write'] }],
  } as unknown as JsonObject;
  const [header, , signature] = leaf.jws.split('.');
  const edited = `${header}.${encodeBase64url(encodeUtf8(JSON.stringify(claims)))}.${signature}`;
  return [...links.slice(0, -1).map(({ jws }) => jws), sign(edited, claims)].join('~');
}

function resigned(world: World, claims: JsonObject): string {
  return signJws({ typ: 'talos-cap+jwt', claims }, part(world, 'worker').signer);
}

/** A fresh link works; then the organisation revokes the agent's, and everything below it ends. */
async function revokeParent(world: World): Promise<CallOutcome> {
  const calls = await connect(world, narrow(world));
  const before = await calls.call('read_text_file', { path: world.scratch.guide });
  if (!before.allowed) return before;
  const { root } = parseChain(part(world, 'agentChain'), crypto);
  await part(world, 'kernel').revoke({ lid: root.lid });
  return calls.call('read_text_file', { path: world.scratch.guide });
}
