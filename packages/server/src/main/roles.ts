import type { ServiceName } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';

export const SERVICES = ['kernel', 'gateway', 'audit'] as const satisfies readonly ServiceName[];

/** What a process is, in the order of `SERVICES`. */
export type Roles = readonly ServiceName[];

/** Reads `<role>[,<role>...]`; undefined for a text that names none. @throws {TrustError} SETTINGS_INVALID: a role twice */
export function parseRoles(text: string): Roles | undefined {
  if (text === 'all') return SERVICES;
  const names = text.split(',');
  if (!names.every((name) => (SERVICES as readonly string[]).includes(name))) return undefined;
  if (new Set(names).size !== names.length) {
    throw new TrustError('SETTINGS_INVALID', `${text} names a role twice`, {
      hint: 'server --help shows the roles',
    });
  }
  return SERVICES.filter((name) => names.includes(name));
}

/** Which rooms a process loads. The embedded database belongs to one process, which then keeps the log too. A gateway
 *  verifies by itself, with the kernel's room: sessions are local to the node that opened them. */
export interface RoomsOfRoles {
  readonly audit: boolean;
  readonly kernel: boolean;
  readonly gateway: boolean;
}

export function roomsOf(roles: Roles): RoomsOfRoles {
  return {
    audit: roles.includes('audit'),
    kernel: roles.includes('kernel') || roles.includes('gateway'),
    gateway: roles.includes('gateway'),
  };
}

/** With the embedded database nobody else could keep the log. */
export function withAudit(roles: Roles, isEmbedded: boolean): Roles {
  return isEmbedded && !roles.includes('audit') ? [...roles, 'audit'] : roles;
}
