/** A header as a Bitcoin block has it, of a block that nobody mined: only what an anchor reads is in it. */
export function madeUpHeader(merkleRoot: Uint8Array, time: number): Uint8Array {
  const header = new Uint8Array(80);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x2000_0000, true);
  header.fill(0xb1, 4, 36);
  header.set(merkleRoot, 36);
  view.setUint32(68, time, true);
  view.setUint32(72, 0x1703_4219, true);
  return header;
}
