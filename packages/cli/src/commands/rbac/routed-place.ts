import type { AccessScope } from '@talosprotocol/contracts';

/** By what the routes of the services tell places apart, by kind (docs/permissions.md). */
export const ROUTED_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  secret: ['secret_id'],
  trace: ['trace_id'],
};

/** Whether a route acts in such a place. A binding elsewhere decides over bindings there, and for whoever asks what it would
 *  decide: no route gives anything by it, nor denies. */
export function isRoutedPlace({ kind, attributes }: AccessScope): boolean {
  if (kind === 'global') return true;
  return Object.keys(attributes).every((name) => ROUTED_ATTRIBUTES[kind]?.includes(name));
}
