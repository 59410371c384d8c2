import { decodeBase64url, encodeBase64url, type Nonces } from '@talosprotocol/protocol';

/** A run of a node: its number and its boot. */
interface Run {
  readonly node: number;
  readonly boot: number;
}

const NONCE = /^([A-Za-z0-9_-]{10}[AEIMQUYcgkosw048])[A-Za-z0-9_-]{54}$/;
const RUN_LENGTH = 11;

/** Nonces that say which run of which node gave them (SES-1): another node can pass on what must be checked there. What
 *  they say is no secret and proves nothing. */
export function createNodeNonces(nonces: Nonces, run: Run): Nonces {
  const prefix = encodeRun(run);
  return {
    issue: () => {
      const { nonce, expires } = nonces.issue();
      return { nonce: `${prefix}${nonce}`, expires };
    },
    // Without its prefix, or with another one, nothing is left that would be accepted.
    consume: (nonce, party) => nonces.consume(nonce.startsWith(prefix) ? nonce.slice(RUN_LENGTH) : '', party),
  };
}

/** The run that gave a nonce, as it says; undefined for a text that is no nonce of ours. */
export function runOfNonce(nonce: string): Run | undefined {
  const prefix = NONCE.exec(nonce)?.[1];
  if (prefix === undefined) return undefined;
  const bytes = decodeBase64url(prefix);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { node: view.getUint32(0), boot: view.getUint32(4) };
}

function encodeRun({ node, boot }: Run): string {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, node);
  view.setUint32(4, boot);
  return encodeBase64url(bytes);
}
