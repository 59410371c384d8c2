/** Where a caller's own trace goes on, as it says. */
export interface TraceParent {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero. */
  readonly spanId: string;
  /** Bit 0: the caller records its part. */
  readonly flags: number;
}

/** W3C Trace Context, section 3.2.2: of version 00 exactly these members, of a later one these and what may follow. */
const FORM =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]{0,200})?$/;

/** Reads the one `traceparent` of a request; undefined if there is none, if it stands twice, or if it is not one.
 *  `rawHeaders` are names and values in turn. What it says is believed for nothing but the place in a trace. */
export function parseTraceparent(rawHeaders: readonly string[]): TraceParent | undefined {
  let value: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'traceparent') continue;
    if (value !== undefined) return undefined;
    value = rawHeaders[index + 1];
  }
  const [, traceId, spanId, flags, more] = (value !== undefined && FORM.exec(value)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (more !== undefined && value?.startsWith('00')) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & 1 };
}
