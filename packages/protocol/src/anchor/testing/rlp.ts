/** What RLP holds. */
export type RlpItem = Uint8Array | readonly RlpItem[];

/** Writes RLP (Ethereum Yellow Paper, appendix B). */
export function encodeRlp(item: RlpItem): Uint8Array {
  if (item instanceof Uint8Array) {
    const isItself = item.length === 1 && (item[0] as number) < 0x80;
    return isItself ? item : join([head(item.length, 0x80), item]);
  }
  const content = join(item.map(encodeRlp));
  return join([head(content.length, 0xc0), content]);
}

/** A number without leading zeros. */
export function scalar(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt(value); rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 255n));
  return Uint8Array.from(bytes);
}

function head(length: number, offset: number): Uint8Array {
  if (length <= 55) return Uint8Array.of(offset + length);
  const digits = scalar(length);
  return Uint8Array.from([offset + 55 + digits.length, ...digits]);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
