import type { IncomingMessage } from 'node:http';
import type { Principal } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';

const ID = 'svc_01890000-0000-7000-8000-000000000001';

/** A guard for tests of other rooms: whoever shows this token is a service account that may do everything. */
export function createTokenGuard(token: string): (request: IncomingMessage) => Promise<Principal> {
  return async ({ headers }) => {
    if (headers.authorization === `Bearer ${token}`)
      return { kind: 'service', id: ID, how: 'key', subjects: [{ kind: 'service', id: ID }] };
    throw new TrustError('UNAUTHENTICATED', 'not the token of this test');
  };
}
