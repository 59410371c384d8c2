import type { ArgumentTest } from './test.js';

type Scalar = string | number | boolean;

/** `eq`: the same type and equal. */
export function isEqual(value: Scalar): ArgumentTest {
  return (argument) => argument === value;
}

/** `ne`: the same type and not equal. A fraction is no integer, hence of another type. */
export function isOther(value: Scalar): ArgumentTest {
  return (argument) => isSameType(argument, value) && argument !== value;
}

/** `in`: one of the list, by type and value. */
export function isOneOf(values: readonly (string | number)[]): ArgumentTest {
  const set = new Set<unknown>(values);
  return (argument) => set.has(argument);
}

/** `nin`: a string or an integer, but none of the list. */
export function isNoneOf(values: readonly (string | number)[]): ArgumentTest {
  const set = new Set<unknown>(values);
  return (argument) => (typeof argument === 'string' || Number.isSafeInteger(argument)) && !set.has(argument);
}

/** `lt`, `le`, `gt`, `ge`: an integer of magnitude below 2^53 that compares so. */
export function compares(holds: (argument: number, value: number) => boolean, value: number): ArgumentTest {
  return (argument) =>
    typeof argument === 'number' && Number.isSafeInteger(argument) && holds(argument, value);
}

function isSameType(argument: unknown, value: Scalar): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(argument);
  return typeof argument === typeof value;
}
