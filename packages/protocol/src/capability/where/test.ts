import type { JsonValue } from '../../encoding/json.js';

/** Whether a constraint holds for what its pointer found; undefined where that is nothing. Never throws. */
export type ArgumentTest = (argument: JsonValue | undefined) => boolean;

/** A test that is false for everything but strings. */
export function ofString(test: (argument: string) => boolean): ArgumentTest {
  return (argument) => typeof argument === 'string' && test(argument);
}
