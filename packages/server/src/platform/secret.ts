import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that must not be printed: `String(s)`, JSON, templates and `inspect` give `[redacted]`.
 *  Only `reveal()` gives the value, so that every use can be found by searching for it. */
export interface Secret<T> {
  reveal(): T;
  toString(): string;
  toJSON(): string;
}

/** Wraps `value`. The value lives in a closure: it is no property that a serialiser could walk to. */
export function createSecret<T>(value: T): Secret<T> {
  const shown = (): string => REDACTED;
  return Object.freeze({
    reveal: () => value,
    toString: shown,
    toJSON: shown,
    [Symbol.toPrimitive]: shown,
    [inspect.custom]: shown,
  });
}
