import {
  createChecker,
  type DeactivatedBy,
  DeactivateIdentityRequest,
  type Identity,
  RotateIdentityRequest,
} from '@talosprotocol/contracts';
import {
  createUuidv7,
  type DidRecord,
  isTrustError,
  type JsonObject,
  partiesOfRotation,
  type StatementContext,
  TrustError,
  verifyDeactivation,
  verifyRotation,
} from '@talosprotocol/protocol';
import { type Actor, actorOf } from '../actor.js';
import type { ChangeEvent, Events } from '../events.js';
import { contentsOf, findIdentity, type IdentitiesDeps } from './identities.js';
import type { Rotations } from './rotations.js';
import { createSeldomLooks, type SeldomLooks } from './seldom.js';
import type { Standing } from './standing.js';
import type { Ending } from './store.js';

/** How identities change hands and end. What is durable is in force in this process at once, and in every other when it
 *  hears of it; then it is logged. */
export interface Endings {
  /** With both statements another DID takes over (ID-14); with none the DID is fetched again, and what it says now is
   *  used at once: new keys, or that it is deactivated.
   *  @throws {TrustError} MALFORMED; NOT_FOUND; PROOF_INVALID; CONFLICT: it has ended, or the successor is taken;
   *    RATE_LIMITED: the DID was fetched several times just now; as the resolver */
  rotate(did: string, request: JsonObject): Promise<Identity>;
  /** By the identity's own statement (ID-15). @throws {TrustError} as `rotate` */
  deactivate(did: string, statement: string): Promise<Identity>;
  /** By an administrator, who was checked. @throws {TrustError} NOT_FOUND; CONFLICT: it was rotated */
  deactivateAsAdministrator(did: string, actor: Actor): Promise<Identity>;
}

export interface EndingsDeps extends Omit<IdentitiesDeps, 'events' | 'consumeNonce'> {
  readonly events: Pick<Events, 'identityRotated' | 'identityDeactivated'>;
  readonly standing: Pick<Standing, 'end' | 'isInactive'>;
  readonly rotations: Pick<Rotations, 'beginAnew'>;
}

const checkRotation = createChecker(RotateIdentityRequest);
const checkDeactivation = createChecker(DeactivateIdentityRequest);

/** Anybody may send a statement, and what one says is known only with the keys. */
interface Looking extends EndingsDeps {
  readonly looks: SeldomLooks;
}

export function createEndings(given: EndingsDeps): Endings {
  const deps: Looking = { ...given, looks: createSeldomLooks(given.resolver, given.clock) };
  const { store } = deps;
  return {
    rotate: async (did, request) => {
      const { statement, succession } = parseRotation(request);
      const identity = await findIdentity(store, did);
      if (statement === undefined || succession === undefined) return refresh(identity, deps);
      return handOver(identity, { statement, succession }, deps);
    },
    deactivate: async (did, statement) => {
      const identity = await findIdentity(store, did);
      verifyDeactivation(statement, await deps.looks.keys(did), contextOf(deps));
      return endAs(identity, { by: 'identity', statement }, deps);
    },
    deactivateAsAdministrator: async (did, actor) => {
      const ending = { by: 'administrator', statement: null, actor: actorOf(actor) } as const;
      return endAs(await findIdentity(store, did), ending, deps);
    },
  };
}

/** The body of a deactivation: the identity's own statement, or undefined. @throws {TrustError} MALFORMED */
export function parseDeactivation(request: JsonObject): string | undefined {
  const fault = checkDeactivation(request);
  if (fault !== undefined) throw new TrustError('MALFORMED', `a deactivation: ${fault}`);
  return (request as DeactivateIdentityRequest).statement;
}

function parseRotation(request: JsonObject): RotateIdentityRequest {
  const fault = checkRotation(request);
  if (fault !== undefined) throw new TrustError('MALFORMED', `a rotation: ${fault}`);
  const stated = request as RotateIdentityRequest;
  if ((stated.statement === undefined) !== (stated.succession === undefined))
    throw new TrustError('MALFORMED', 'a rotation: statement and succession come together');
  return stated;
}

async function handOver(
  identity: Identity,
  both: { readonly statement: string; readonly succession: string },
  deps: Looking,
): Promise<Identity> {
  const { did } = identity;
  const { successor } = partiesOfRotation(both.statement);
  const { looks } = deps;
  const keys = { former: await looks.keys(did), successor: await looks.keys(successor) };
  verifyRotation(both, keys, contextOf(deps));
  // The same said again, by who did not hear the answer.
  if (identity.successor === successor) return identity;
  assertActive(identity);
  if (deps.standing.isInactive(successor)) throw new TrustError('CONFLICT', 'the successor has ended itself');
  const at = deps.clock.now();
  const id = createUuidv7(at, deps.random(16));
  return end(
    { did, at, statement: both.statement, successor: { did: successor, proof: both.succession, id } },
    'the identity has ended, or the successor is registered already',
    deps,
  );
}

/** Looks at what is published. A DID that says of itself that it is deactivated is. */
async function refresh(identity: Identity, deps: Looking): Promise<Identity> {
  const { did } = identity;
  if (did.startsWith('did:key:')) {
    throw new TrustError('MALFORMED', 'a did:key cannot change its key', {
      hint: 'Send the statement of this identity and the succession of the one that takes over.',
    });
  }
  assertActive(identity);
  const record = await look(did, deps);
  if (record === undefined) return endAs(identity, { by: 'log', statement: null }, deps);
  await keep(did, record, deps);
  return identity;
}

/** What the DID says now; undefined if it says that it is deactivated. */
async function look(did: string, { looks }: Looking): Promise<DidRecord | undefined> {
  try {
    return await looks.look(did);
  } catch (error) {
    if (isTrustError(error) && error.code === 'REVOKED') return undefined;
    throw error;
  }
}

/** Keeps what was fetched if it is new. It may be kept already, by another node that was told, of which this one has not heard. */
async function keep(did: string, fetched: DidRecord, deps: EndingsDeps): Promise<void> {
  const at = deps.clock.now();
  const contents = contentsOf(fetched);
  const last = (await deps.store.contentsOf(did, at)).at(-1);
  if (contents.content !== undefined && last?.content !== undefined) {
    if (Buffer.compare(contents.content, last.content) === 0) {
      if (last.type === 'rotated') deps.rotations.beginAnew(did, last.number);
      return;
    }
  }
  const change = { did, type: 'rotated', at, ...contents } as const;
  const eventOf = (number: number) => deps.events.identityRotated({ ...change, number });
  const number = await deps.store.addChange(change, (tx, given) => eventOf(given).keep(tx));
  deps.rotations.beginAnew(did, number);
  await eventOf(number).deliver();
}

async function endAs(
  identity: Identity,
  ending: {
    readonly by: DeactivatedBy;
    readonly statement: string | null;
    readonly actor?: Actor;
  },
  deps: EndingsDeps,
): Promise<Identity> {
  if (identity.status === 'deactivated') return identity;
  assertActive(identity);
  return end({ did: identity.did, at: deps.clock.now(), ...ending }, 'the identity has ended', deps);
}

async function end(
  { actor, ...ending }: Ending & { readonly actor?: Actor },
  conflict: string,
  deps: EndingsDeps,
): Promise<Identity> {
  const { did } = ending;
  const eventOf = (number: number): ChangeEvent => endingEvent({ ...ending, number, actor }, deps);
  const number = await deps.store.endIdentity(ending, (tx, given) => eventOf(given).keep(tx));
  if (number === undefined) throw new TrustError('CONFLICT', conflict);
  deps.standing.end(did);
  await eventOf(number).deliver();
  return findIdentity(deps.store, did);
}

function endingEvent(
  {
    number,
    did,
    at,
    statement,
    successor,
    by,
    actor,
  }: Ending & { readonly number: number; readonly actor: Actor | undefined },
  { events }: EndingsDeps,
): ChangeEvent {
  const change = { number, did, at, ...(statement === null ? {} : { statement }) };
  if (successor !== undefined)
    return events.identityRotated({ ...change, type: 'rotated', successor: successor.did });
  const who = { ...(by === undefined ? {} : { by }), ...(actor === undefined ? {} : { actor }) };
  return events.identityDeactivated({ ...change, type: 'deactivated', ...who });
}

function assertActive({ status }: Identity): void {
  if (status !== 'active') throw new TrustError('CONFLICT', `the identity was ${status}`);
}

function contextOf({ gateway, clock, crypto }: EndingsDeps): StatementContext {
  return { audience: gateway, now: Math.floor(clock.now() / 1000), crypto };
}
