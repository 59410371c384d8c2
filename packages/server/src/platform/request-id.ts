import type { Clock, Random } from './system.js';

/** Names requests `req_<UUIDv7>` (RFC 9562 section 5.7): sortable by time, not guessable from one another. */
export function createRequestIds(deps: { readonly clock: Clock; readonly random: Random }): () => string {
  return () => `req_${encodeUuidv7(deps.clock.now(), deps.random(10))}`;
}

function encodeUuidv7(milliseconds: number, entropy: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  bytes.set(entropy, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
