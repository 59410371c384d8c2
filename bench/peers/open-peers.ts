import { openPeer, type PeerProgram, type RemotePeer } from './remote-peer.js';

/** The peers that have a process of their own. */
export type PeerName = 'aps' | 'biscuit' | 'cedar' | 'ucanto';

/** Starts peers, hands them over, and ends them. */
export async function withPeers<T>(
  names: readonly PeerName[],
  use: (peers: readonly RemotePeer[]) => Promise<T>,
): Promise<T> {
  const peers: RemotePeer[] = [];
  try {
    for (const name of names) peers.push(await openPeer(programOf(name)));
    return await use(peers);
  } finally {
    for (const peer of peers) await peer.close();
  }
}

/** Biscuit's WebAssembly is loaded as a module. */
function programOf(name: PeerName): PeerProgram {
  return name === 'biscuit' ? { name, nodeArgs: ['--experimental-wasm-modules', '--no-warnings'] } : { name };
}
