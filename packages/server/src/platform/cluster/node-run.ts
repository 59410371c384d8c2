/** One run of a node: its number, and the boot that counts the starts under that number. No two runs are equal. */
export interface NodeRun {
  /** 1 to `MAX_NODES`. */
  readonly node: number;
  /** 32 bits. */
  readonly boot: number;
}

/** Most nodes of one database at a time. */
export const MAX_NODES = 1024;

/** `<node>.<boot>`: how proofs and records name a run. */
export function formatRun({ node, boot }: NodeRun): string {
  return `${node}.${boot}`;
}

export function isSameRun(a: NodeRun, b: NodeRun): boolean {
  return a.node === b.node && a.boot === b.boot;
}
