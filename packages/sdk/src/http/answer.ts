import { createChecker, ProblemDetails } from '@talosprotocol/contracts';
import { isTrustError, type JsonValue, parseJson, TrustError } from '@talosprotocol/protocol';

const checkProblem = createChecker(ProblemDetails);

/** Reads a body of at most `maxBytes`; the connection is given up as soon as there is more.
 *  @throws {TrustError} UPSTREAM_FAILED */
export async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      // Not awaited: half of a cloned answer waits for the other half to be given up too.
      reader.cancel().catch(() => undefined);
      throw new TrustError('UPSTREAM_FAILED', `an answer of more than ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
  return join(chunks, length);
}

/** What a refusal of ours says; undefined if the body is no problem of RFC 9457 as Talos writes it. */
export function parseProblem(body: Uint8Array | string): ProblemDetails | undefined {
  const value = parseOrUndefined(body);
  return value !== undefined && checkProblem(value) === undefined ? (value as ProblemDetails) : undefined;
}

/** The error of an answer that is not 2xx: the code the service gave with its link, caveat, item and hint (the whole
 *  problem is its `cause`), else UPSTREAM_FAILED with the status. */
export function refusalOf(status: number, body: Uint8Array | string): TrustError {
  const problem = parseProblem(body);
  if (problem === undefined) return new TrustError('UPSTREAM_FAILED', `the service answered ${status}`);
  const { code, title, detail, link, item, caveat, hint = HINTS[code], findings } = problem;
  const facts = { link, item, caveat, hint, findings };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  const reason = detail ?? (OF_OPERATOR.has(code) ? UNTOLD : title);
  return new TrustError(code, reason, Object.fromEntries(known), problem);
}

/** What concerns the operator is in the messages of the service alone. */
const OF_OPERATOR: ReadonlySet<string> = new Set(['INTERNAL', 'SETTINGS_INVALID', 'LOG_CORRUPT']);
const UNTOLD = 'the messages of the service say more';
const HINTS: Partial<Record<ProblemDetails['code'], string>> = {
  LOG_CORRUPT:
    'The operator stops the platform and asks talos audit fsck, which then holds the database against the files, and names what is damaged.',
};

/** Strict JSON, or undefined for anything else. */
export function parseOrUndefined(body: Uint8Array | string): JsonValue | undefined {
  try {
    return parseJson(body, { floats: true, maxBytes: 1_048_576 });
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
