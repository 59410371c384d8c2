import { type Constraint, Constraint as ConstraintSchema, createChecker } from '@talosprotocol/contracts';
import { isTrustError, parseJson } from '@talosprotocol/protocol';
import { UsageError } from '../usage-error.js';

const FORM = "--where takes '<pointer> <operator> <value>', such as '/path within /data'";
/** Operators whose value is text: it need not be quoted, and is never read as a number. */
const TEXT: ReadonlySet<string> = new Set(['prefix', 'glob', 'within', 'host', 'url', 'cidr', 'argsHash']);
const check = createChecker(ConstraintSchema);

/** Reads a constraint as people write it: pointer, operator and value, separated by white space. The value is JSON
 *  (`5`, `true`, `["a","b"]`, `"5"`) or, if it is not JSON, text; for operators that compare text it is text unless
 *  it is quoted. The pointer to the whole of the arguments is written `""`.
 *  @throws {UsageError} */
export function parseConstraintText(text: string): Constraint {
  const [, pointer, op, value] = /^\s*(\S+)\s+(\S+)\s+(.*?)\s*$/su.exec(text) ?? [];
  if (pointer === undefined || op === undefined || value === undefined || value === '')
    throw new UsageError(`not a constraint: ${text}`, FORM);
  const constraint = { ptr: pointer === '""' ? '' : pointer, op, value: operand(op, value) };
  const wrong = check(constraint);
  if (wrong === undefined) return constraint as Constraint;
  throw new UsageError(`not a constraint: ${text}`, `${wrong}; ${FORM}`);
}

function operand(op: string, text: string): unknown {
  if (TEXT.has(op) && !text.startsWith('"')) return text;
  try {
    return parseJson(text, { maxBytes: 16_384, maxDepth: 2 });
  } catch (error) {
    if (isTrustError(error)) return text;
    throw error;
  }
}
