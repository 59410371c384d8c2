import type { IdentityKind, RegisterIdentityRequest } from '@talosprotocol/contracts';
import {
  encodeBase64url,
  type Signer,
  signDeactivation,
  signRegistration,
  signRotation,
  signSuccession,
} from '@talosprotocol/protocol';
import { random } from '../../platform/system.js';
import { type Answer, crypto, type World } from './kernel-world.js';

/** What identities state of themselves, in plain steps, so that each can be got wrong on purpose. */

export const stated = (world: World) => ({
  aud: world.gateway.did,
  iat: world.seconds(),
  jti: encodeBase64url(random(12)),
});

/** A registration with its proof, over a nonce of now; `change` alters the claims. */
export async function registrationOf(
  world: World,
  signer: Signer,
  { kind = 'agent', name = 'Reader' }: { readonly kind?: IdentityKind; readonly name?: string } = {},
  change: object = {},
): Promise<RegisterIdentityRequest> {
  const { body } = await world.post('/talos/v1/nonces', '');
  const identity = { did: signer.did, kind, name };
  const claims = { ...stated(world), ...identity, nonce: body.nonce as string, ...change };
  return { ...identity, proof: signRegistration(claims, signer) };
}

export async function register(
  world: World,
  signer: Signer,
  identity?: Parameters<typeof registrationOf>[2],
  change?: object,
): Promise<Answer> {
  return world.post(
    '/talos/v1/identities',
    await registrationOf(world, signer, identity, change),
    world.admin,
  );
}

const at = (did: string, what: string): string => `/talos/v1/identities/${encodeURIComponent(did)}/${what}`;

export function rotate(world: World, from: Signer, to: Signer): Promise<Answer> {
  const statement = signRotation({ ...stated(world), iss: from.did, sub: to.did }, from);
  const claims = { ...stated(world), iss: to.did, sub: from.did };
  const succession = signSuccession(statement, claims, to, crypto);
  return world.post(at(from.did, 'rotation'), { statement, succession });
}

export function deactivate(world: World, did: string, signer?: Signer): Promise<Answer> {
  const body =
    signer === undefined
      ? {}
      : { statement: signDeactivation({ ...stated(world), iss: signer.did }, signer) };
  return world.post(at(did, 'deactivation'), body, signer === undefined ? world.admin : {});
}

export const look = (world: World, did: string, what: string): Promise<Answer> =>
  world.get(at(did, what), world.admin);
