import {
  createChecker,
  type Identity,
  type IdentityHistory,
  type IdentityPage,
  RegisterIdentityRequest,
} from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  type Cursor,
  createUuidv7,
  type DidDirectory,
  type DidRecord,
  decodeCursor,
  encodeCursor,
  type JsonObject,
  TrustError,
  verifyRegistration,
} from '@talosprotocol/protocol';
import type { Clock, Random } from '../../platform/system.js';
import type { Actor } from '../actor.js';
import type { Events } from '../events.js';
import type { Change } from './change-store.js';
import type { IdentityStore } from './store.js';

/** The registry of identities: who is who, for people. Nothing is authorised by it, but an identity that has ended in it
 *  authorises nothing any more. */
export interface Identities {
  /** Registers who proves control of a key (ID-13).
   *  @throws {TrustError} MALFORMED; PROOF_INVALID; as the resolver; CONFLICT: the DID is registered as something else, or
   *    has ended; UNAVAILABLE */
  register(request: JsonObject, actor: Actor): Promise<Identity>;
  /** @throws {TrustError} NOT_FOUND */
  find(did: string): Promise<Identity>;
  /** A page, newest first. @throws {TrustError} MALFORMED: a cursor that is none */
  list(count: number, cursor: string | undefined): Promise<IdentityPage>;
  /** What happened to it, oldest first. @throws {TrustError} NOT_FOUND */
  history(did: string): Promise<IdentityHistory>;
}

export interface IdentitiesDeps {
  readonly store: IdentityStore;
  readonly events: Pick<Events, 'assertAccepting' | 'identityRegistered'>;
  readonly resolver: DidDirectory;
  /** DID of the gateway: the audience of every statement. */
  readonly gateway: string;
  readonly consumeNonce: (nonce: string) => void;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

const check = createChecker(RegisterIdentityRequest);
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const MAX_CHANGES = 1000;

export function createIdentities(deps: IdentitiesDeps): Identities {
  const { store } = deps;
  return {
    register: async (request, actor) => {
      const stated = parseRequest(request);
      const record = await deps.resolver.refresh(stated.did);
      verifyRegistration(stated.proof, stated, record.keys, {
        audience: deps.gateway,
        now: Math.floor(deps.clock.now() / 1000),
        crypto: deps.crypto,
        consumeNonce: deps.consumeNonce,
      });
      const known = await store.findIdentity(stated.did);
      return known === undefined ? add(stated, { record, actor }, deps) : same(known, stated);
    },
    find: (did) => findIdentity(store, did),
    list: async (count, cursor) => {
      const after: Cursor | undefined = cursor === undefined ? undefined : decodeCursor(cursor);
      const rows = await store.listIdentities(count + 1, after);
      const page = rows.slice(0, count);
      const last = page.at(-1);
      const next = rows.length > count && last !== undefined ? encodeCursor(last.cursor) : null;
      return { identities: page.map((row) => row.identity), next };
    },
    history: async (did) => {
      await findIdentity(store, did);
      return { did, changes: await store.changesOf(did, MAX_CHANGES) };
    },
  };
}

/** What a fetched DID brought, to be kept with the change that it came with. */
export function contentsOf({
  document,
  files,
  log,
}: DidRecord): Pick<Change, 'version' | 'content' | 'witness'> {
  if (document !== undefined) return { content: document };
  if (files === undefined || log === undefined) return {};
  const { log: content, witness } = files;
  const version = log.latest.versionId;
  return witness === undefined ? { version, content } : { version, content, witness };
}

/** @throws {TrustError} NOT_FOUND */
export async function findIdentity(
  store: Pick<IdentityStore, 'findIdentity'>,
  did: string,
): Promise<Identity> {
  const identity = await store.findIdentity(did);
  if (identity === undefined) throw new TrustError('NOT_FOUND', 'the DID is not registered');
  return identity;
}

function parseRequest(request: JsonObject): RegisterIdentityRequest {
  const fault = check(request);
  if (fault !== undefined) {
    throw new TrustError('MALFORMED', `an identity: ${fault}`, {
      hint: 'proof is a talos-register+jwt over did, kind, name and a nonce of POST /talos/v1/nonces.',
    });
  }
  const stated = request as unknown as RegisterIdentityRequest;
  if (UNPRINTABLE.test(stated.name)) throw new TrustError('MALFORMED', 'a name that cannot be printed');
  return stated;
}

async function add(
  { did, kind, name, proof }: RegisterIdentityRequest,
  { record, actor }: { readonly record: DidRecord; readonly actor: Actor },
  { store, events, clock, random }: IdentitiesDeps,
): Promise<Identity> {
  const at = clock.now();
  const identity = { did, kind, name, proof, id: createUuidv7(at, random(16)), at };
  events.assertAccepting();
  const event = events.identityRegistered(identity, actor);
  const change = { did, type: 'registered', at, statement: proof, ...contentsOf(record) } as const;
  const isNew = await store.addIdentity(identity, change, event.keep);
  await event.deliver();
  const known = await findIdentity(store, did);
  // Somebody else may have registered it at the same moment.
  return isNew ? known : same(known, { kind, name });
}

/** Registering the same again changes nothing; a DID does not become something else, nor come back. */
function same(known: Identity, { kind, name }: Pick<RegisterIdentityRequest, 'kind' | 'name'>): Identity {
  if (known.status !== 'active') throw new TrustError('CONFLICT', `the identity was ${known.status}`);
  if (known.kind === kind && known.name === name) return known;
  throw new TrustError('CONFLICT', 'the DID is registered with another kind or name');
}
