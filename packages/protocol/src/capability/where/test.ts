import type { JsonValue } from '../../encoding/json.js';
import type { ArgumentsMemo } from './memo.js';

/** Whether a constraint holds for what its pointer found; undefined where that is nothing. Never throws. */
export type ArgumentTest = (argument: JsonValue | undefined, memo: ArgumentsMemo) => boolean;

/** A test that is false for everything but strings. */
export function ofString(test: (argument: string, memo: ArgumentsMemo) => boolean): ArgumentTest {
  return (argument, memo) => typeof argument === 'string' && test(argument, memo);
}
