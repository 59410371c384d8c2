import type { Op } from '@talosprotocol/contracts';
import type { CheckedItem } from './items.js';

/** What is done to a resource, whatever the resource is: a scope without `resource`, and an op. */
export interface ActionName {
  readonly scope: string;
  readonly op: Op;
}

/** Small numbers for the actions that are decided often, so that programs keep a few bits for each. A number is never
 *  given to another action. */
export interface Actions {
  /** The number of an item's action, or -1 if it has none. */
  find(item: CheckedItem): number;
  /** The same, giving it a number if there is room; -1 once `capacity` actions have one. Only for items whose actions
   *  the operator named, such as those of tools with a manifest: callers must not use the numbers up. */
  intern(item: CheckedItem): number;
  /** The action with this number. @throws {RangeError} none has it */
  at(action: number): ActionName;
  /** How many have a number; they are the first. */
  size(): number;
}

/** Stands before the path in a scope; a canonical value holds no raw `/`, so that it is found nowhere else. */
export const RESOURCE = '/resource:';

/** Makes an empty set of numbers. */
export function createActions(capacity: number): Actions {
  const numbers = { read: new Map<string, number>(), write: new Map<string, number>() };
  const names: ActionName[] = [];
  return {
    find: ({ scope, op }) => numbers[op].get(bareScope(scope)) ?? -1,
    intern({ scope, op }) {
      const bare = bareScope(scope);
      const known = numbers[op].get(bare);
      if (known !== undefined) return known;
      if (names.length >= capacity) return -1;
      numbers[op].set(bare, names.length);
      return names.push({ scope: bare, op }) - 1;
    },
    at(action) {
      const name = names[action];
      if (name === undefined) throw new RangeError('no action has this number');
      return name;
    },
    size: () => names.length,
  };
}

function bareScope(scope: string): string {
  const end = scope.indexOf(RESOURCE);
  return end < 0 ? scope : scope.slice(0, end);
}
