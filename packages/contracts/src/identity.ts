import { type Static, Type } from 'typebox';
import { Jti } from './capability.js';
import { ascii, CLOSED, CompactJws, CursorText, Did, Hash43, Seconds, Time, text } from './primitive.js';
import { Nonce } from './session.js';

/** What an identity is registered as. */
export const IdentityKind = Type.Union([
  Type.Literal('agent'),
  Type.Literal('organisation'),
  Type.Literal('gateway'),
]);
export type IdentityKind = Static<typeof IdentityKind>;

/** `typ` of the proof that comes with a registration (ID-13). */
export const REGISTER_TYP = 'talos-register+jwt';
/** `typ` of a statement that another DID takes over from one (ID-14). */
export const ROTATE_TYP = 'talos-rotate+jwt';
/** `typ` of the successor's word that it does (ID-14). */
export const SUCCEED_TYP = 'talos-succeed+jwt';
/** `typ` of a statement that an identity ends (ID-15). */
export const DEACTIVATE_TYP = 'talos-deactivate+jwt';

const stated = { aud: Did, iat: Seconds, jti: Jti };

/** Payload of the proof of a registration, signed by an `authentication` key of `did` (ID-13). */
export const RegistrationClaims = Type.Object(
  { ...stated, nonce: Nonce, did: Did, kind: IdentityKind, name: text(128) },
  CLOSED,
);
export type RegistrationClaims = Static<typeof RegistrationClaims>;

/** Payload of a succession: `iss` hands over to `sub` (ID-14). */
export const RotationClaims = Type.Object({ ...stated, iss: Did, sub: Did }, CLOSED);
export type RotationClaims = Static<typeof RotationClaims>;

/** Payload of the successor's word: `iss` takes over from `sub` by the statement with this hash (ID-14). */
export const SuccessionClaims = Type.Object({ ...stated, iss: Did, sub: Did, statement: Hash43 }, CLOSED);
export type SuccessionClaims = Static<typeof SuccessionClaims>;

/** Payload of an identity's own end (ID-15). */
export const DeactivationClaims = Type.Object({ ...stated, iss: Did }, CLOSED);
export type DeactivationClaims = Static<typeof DeactivationClaims>;

/** Body of `POST /talos/v1/identities`; `proof` says the same, signed. */
export const RegisterIdentityRequest = Type.Object(
  { did: Did, kind: IdentityKind, name: text(128), proof: CompactJws },
  CLOSED,
);
export type RegisterIdentityRequest = Static<typeof RegisterIdentityRequest>;

/** Body of `POST /talos/v1/identities/{did}/rotation`: of a `did:key` both statements, of a DID that is fetched none,
 *  as its published log or document says it all. */
export const RotateIdentityRequest = Type.Object(
  { statement: Type.Optional(CompactJws), succession: Type.Optional(CompactJws) },
  CLOSED,
);
export type RotateIdentityRequest = Static<typeof RotateIdentityRequest>;

/** Body of `POST /talos/v1/identities/{did}/deactivation`: the identity's own statement, or nothing from an
 *  administrator. */
export const DeactivateIdentityRequest = Type.Object({ statement: Type.Optional(CompactJws) }, CLOSED);
export type DeactivateIdentityRequest = Static<typeof DeactivateIdentityRequest>;

/** Only an `active` identity can open sessions, be issued to, or stand in a chain that verifies. */
export const IdentityStatus = Type.Union([
  Type.Literal('active'),
  Type.Literal('rotated'),
  Type.Literal('deactivated'),
]);
export type IdentityStatus = Static<typeof IdentityStatus>;

/** A registered identity. `name` is for people and proves nothing; `proven` says that control of a key was shown. */
export const Identity = Type.Object(
  {
    did: Did,
    kind: IdentityKind,
    name: text(128),
    registered: Time,
    proven: Type.Boolean(),
    status: IdentityStatus,
    ended: Type.Optional(Time),
    successor: Type.Optional(Did),
  },
  CLOSED,
);
export type Identity = Static<typeof Identity>;

/** Answer of `GET /talos/v1/identities`, newest first; `next` is null on the last page. */
export const IdentityPage = Type.Object(
  { identities: Type.Array(Identity, { maxItems: 500 }), next: Type.Union([CursorText, Type.Null()]) },
  CLOSED,
);
export type IdentityPage = Static<typeof IdentityPage>;

/** Who ended an identity: itself by a statement, an administrator, or its own published log. */
export const DeactivatedBy = Type.Union([
  Type.Literal('identity'),
  Type.Literal('administrator'),
  Type.Literal('log'),
]);
export type DeactivatedBy = Static<typeof DeactivatedBy>;

/** `versionId` of a `did:webvh`. */
export const WebvhVersionId = ascii(
  '^[1-9][0-9]{0,3}-Qm[1-9A-HJ-NP-Za-km-z]{44}$',
  51,
  'versionId of a did:webvh',
);

/** Something that happened to an identity. `version` names the version of a `did:webvh` that came into use. */
export const IdentityChange = Type.Object(
  {
    at: Time,
    type: Type.Union([
      Type.Literal('registered'),
      Type.Literal('rotated'),
      Type.Literal('succeeded'),
      Type.Literal('deactivated'),
    ]),
    version: Type.Optional(WebvhVersionId),
    successor: Type.Optional(Did),
    predecessor: Type.Optional(Did),
    by: Type.Optional(DeactivatedBy),
    statement: Type.Optional(CompactJws),
  },
  CLOSED,
);
export type IdentityChange = Static<typeof IdentityChange>;

/** Answer of `GET /talos/v1/identities/{did}/history`, oldest first; the latest 1,000 changes. */
export const IdentityHistory = Type.Object(
  { did: Did, changes: Type.Array(IdentityChange, { maxItems: 1000 }) },
  CLOSED,
);
export type IdentityHistory = Static<typeof IdentityHistory>;

/** Answer of `GET /talos/v1/identities/{did}/keys?at=`: the keys of that moment, for audit only (ID-12). */
export const FormerKeysAnswer = Type.Object(
  {
    did: Did,
    asOf: Time,
    version: Type.Optional(WebvhVersionId),
    formerKeys: Type.Array(
      Type.Object(
        {
          kid: ascii('^did:[!-~]{1,1020}$', 1024, 'DID URL of a key'),
          formerMultikey: ascii('^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$', 48, 'Ed25519 Multikey'),
          purposes: Type.Array(
            Type.Union([
              Type.Literal('capabilityDelegation'),
              Type.Literal('authentication'),
              Type.Literal('assertionMethod'),
            ]),
            { maxItems: 3 },
          ),
        },
        CLOSED,
      ),
      { maxItems: 256 },
    ),
  },
  CLOSED,
);
export type FormerKeysAnswer = Static<typeof FormerKeysAnswer>;
