import { type Static, Type } from 'typebox';
import { CLOSED, CursorText, Did, Time, text } from './primitive.js';

/** What an identity is registered as. */
export const IdentityKind = Type.Union([
  Type.Literal('agent'),
  Type.Literal('organisation'),
  Type.Literal('gateway'),
]);
export type IdentityKind = Static<typeof IdentityKind>;

/** Body of `POST /talos/v1/identities`. */
export const RegisterIdentityRequest = Type.Object({ did: Did, kind: IdentityKind, name: text(128) }, CLOSED);
export type RegisterIdentityRequest = Static<typeof RegisterIdentityRequest>;

/** A registered identity. `name` is for people and proves nothing. */
export const Identity = Type.Object(
  { did: Did, kind: IdentityKind, name: text(128), registered: Time },
  CLOSED,
);
export type Identity = Static<typeof Identity>;

/** Answer of `GET /talos/v1/identities`, newest first; `next` is null on the last page. */
export const IdentityPage = Type.Object(
  { identities: Type.Array(Identity, { maxItems: 500 }), next: Type.Union([CursorText, Type.Null()]) },
  CLOSED,
);
export type IdentityPage = Static<typeof IdentityPage>;
