/** Cuts a byte stream into lines at LF; a CR before it belongs to the line end. */
export interface LineReader {
  push(chunk: Uint8Array): void;
}

export interface LineReaderOptions {
  readonly maxBytes: number;
  readonly onLine: (line: Uint8Array) => void;
  /** Called once per line that is too long; the line is dropped up to its end. */
  readonly onOverflow: () => void;
}

const LF = 0x0a;
const CR = 0x0d;

/** Keeps at most `maxBytes` of an unfinished line, whatever arrives. */
export function createLineReader({ maxBytes, onLine, onOverflow }: LineReaderOptions): LineReader {
  let parts: Uint8Array[] = [];
  let size = 0;
  let dropping = false;
  const keep = (part: Uint8Array): void => {
    if (dropping) return;
    size += part.length;
    if (size <= maxBytes) {
      parts.push(part);
      return;
    }
    dropping = true;
    parts = [];
    onOverflow();
  };
  const finish = (): void => {
    const line = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    const emit = !dropping && size > 0;
    parts = [];
    size = 0;
    dropping = false;
    if (emit) onLine(line.at(-1) === CR ? line.subarray(0, -1) : line);
  };
  return {
    push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
        keep(chunk.subarray(from, end));
        finish();
        from = end + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
  };
}
