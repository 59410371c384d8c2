import type { Constraint } from '@talosprotocol/contracts';

const MAX_CAVEAT = 300;
const HALF_PAIR = /\p{Surrogate}$/u;

/** A constraint as people read it, cut at 300 characters.
 *  @example describeConstraint({ ptr: '/path', op: 'within', value: '/docs' }) // '/path within /docs' */
export function describeConstraint({ ptr, op, value }: Constraint): string {
  const shown = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return shorten(`${ptr === '' ? '(arguments)' : ptr} ${op} ${shown}`);
}

/** The pointers of `only` as people read them, cut at 300 characters. */
export function describeOnly(pointers: readonly string[]): string {
  return shorten(`only ${pointers.map((pointer) => (pointer === '' ? '(arguments)' : pointer)).join(', ')}`);
}

/** Several things as people read them, cut at 300 characters. */
export function describeList(texts: readonly string[]): string {
  return shorten(texts.join(', '));
}

/** A cut never leaves half a surrogate pair, which no JSON could carry. */
function shorten(text: string): string {
  return text.length <= MAX_CAVEAT ? text : `${text.slice(0, MAX_CAVEAT - 1).replace(HALF_PAIR, '')}…`;
}
