import { TrustError } from '@talosprotocol/protocol';
import type { Admission, Arrival, Surface } from './admission/call.js';

const SURFACE: Surface<undefined, never> = {
  name: 'mcp',
  action: { method: 'tools/call', server: 'canary', tool: 'canary' },
  read: async () => ({ body: new Uint8Array(), message: undefined }),
  actionOf: () => SURFACE.action,
  callOf: () => undefined,
};

/** What must never pass: nobody, and a key of nobody. */
const FORGED: readonly (readonly [string, readonly string[]])[] = [
  ['NO_CAPABILITY', []],
  ['MALFORMED', ['authorization', `Bearer talos_canary.canary.canary~${'A'.repeat(43)}`]],
];

/** A gate that looks armed and is open must not serve: before a process is ready it is tried. */
export function createCanary(
  admission: Admission,
  requestId: () => string,
  assertAccepting: (op: 'write') => void,
): () => Promise<readonly string[]> {
  const base: Omit<Arrival, 'rawHeaders' | 'requestId'> = {
    address: 'canary',
    method: 'POST',
    target: '/mcp',
  };
  return async () => {
    const receipts: string[] = [];
    for (const [code, rawHeaders] of FORGED) {
      const verdict = await admission({ ...base, rawHeaders, requestId: requestId() }, SURFACE);
      if (verdict.kind !== 'unauthenticated' || verdict.refusal.code !== code) {
        throw new TrustError('INTERNAL', 'a call that must be refused was not');
      }
      if (verdict.receipt === undefined) {
        // Without room denials are only counted: then it is the disk that must be named.
        assertAccepting('write');
        throw new TrustError('UNAVAILABLE', 'a refusal was not recorded');
      }
      receipts.push(verdict.receipt);
    }
    return receipts;
  };
}
