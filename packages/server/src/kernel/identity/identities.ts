import {
  createChecker,
  type Identity,
  type IdentityPage,
  RegisterIdentityRequest,
} from '@talosprotocol/contracts';
import {
  type Cursor,
  createUuidv7,
  decodeCursor,
  didWebUrl,
  encodeCursor,
  formatTime,
  type JsonObject,
  parseDidKey,
  TrustError,
} from '@talosprotocol/protocol';
import type { Clock, Random } from '../../platform/system.js';
import type { Events } from '../events.js';
import type { IdentityStore, NewIdentity } from './store.js';

/** The registry of identities: who is who, for people. Nothing is authorised by it. */
export interface Identities {
  /** @throws {TrustError} MALFORMED; CONFLICT: the DID is registered as something else; UNAVAILABLE */
  register(request: JsonObject): Promise<Identity>;
  /** @throws {TrustError} NOT_FOUND */
  find(did: string): Promise<Identity>;
  /** A page, newest first. @throws {TrustError} MALFORMED: a cursor that is none */
  list(count: number, cursor: string | undefined): Promise<IdentityPage>;
}

export interface IdentitiesDeps {
  readonly store: IdentityStore;
  readonly events: Pick<Events, 'identityRegistered'>;
  readonly clock: Clock;
  readonly random: Random;
}

const check = createChecker(RegisterIdentityRequest);
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export function createIdentities({ store, events, clock, random }: IdentitiesDeps): Identities {
  return {
    register: async (request) => {
      const { did, kind, name } = parseRequest(request);
      const known = await store.findIdentity(did);
      if (known !== undefined) return same(known, { did, kind, name });
      const at = clock.now();
      const identity: NewIdentity = { did, kind, name, id: createUuidv7(at, random(16)), at };
      await events.identityRegistered(identity);
      if (await store.addIdentity(identity)) return { did, kind, name, registered: formatTime(at) };
      // Somebody else registered it at the same moment.
      return same(await find(store, did), { did, kind, name });
    },
    find: (did) => find(store, did),
    list: async (count, cursor) => {
      const after: Cursor | undefined = cursor === undefined ? undefined : decodeCursor(cursor);
      const rows = await store.listIdentities(count + 1, after);
      const page = rows.slice(0, count);
      const last = page.at(-1);
      const next = rows.length > count && last !== undefined ? encodeCursor(last.cursor) : null;
      return { identities: page.map((row) => row.identity), next };
    },
  };
}

function parseRequest(request: JsonObject): RegisterIdentityRequest {
  const fault = check(request);
  if (fault !== undefined) throw new TrustError('MALFORMED', `an identity: ${fault}`);
  const stated = request as unknown as RegisterIdentityRequest;
  if (UNPRINTABLE.test(stated.name)) throw new TrustError('MALFORMED', 'a name that cannot be printed');
  if (stated.did.startsWith('did:key:')) parseDidKey(stated.did);
  else didWebUrl(stated.did);
  return stated;
}

/** Registering the same again changes nothing; a DID does not become something else. */
function same(known: Identity, { kind, name }: RegisterIdentityRequest): Identity {
  if (known.kind === kind && known.name === name) return known;
  throw new TrustError('CONFLICT', 'the DID is registered with another kind or name');
}

async function find(store: IdentitiesDeps['store'], did: string): Promise<Identity> {
  const identity = await store.findIdentity(did);
  if (identity === undefined) throw new TrustError('NOT_FOUND', 'the DID is not registered');
  return identity;
}
