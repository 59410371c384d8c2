import { type Static, type TProperties, Type } from 'typebox';
import { ascii, CLOSED, CursorText, Positive, Time, text } from './primitive.js';

const UUIDV7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const WORD = '[a-z][a-z0-9-]{0,31}';
const PRINTABLE = '^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]+$';

/** What a route asks for: `namespace:action` (RBAC-1). */
export const Permission = ascii(`^${WORD}:${WORD}$`, 65, 'a permission, namespace:action');

/** What a role says of permissions: one of them, `namespace:*`, or `*:*` (RBAC-1). */
export const PermissionPattern = ascii(
  `^(?:\\*:\\*|${WORD}:(?:\\*|${WORD}))$`,
  65,
  'a permission, namespace:* or *:*',
);

/** Names of the roles that are part of Talos and never change (RBAC-8). */
export const BUILT_IN_ROLE_IDS = [
  'platform-admin',
  'security-admin',
  'operator',
  'auditor',
  'viewer',
] as const;

/** Id of a role: the name of a built-in one, or `role_` and a UUIDv7. */
export const RoleId = ascii(`^(?:${BUILT_IN_ROLE_IDS.join('|')}|role_${UUIDV7})$`, 41, 'id of a role');
/** Id of a binding: `bind_` and a UUIDv7. */
export const BindingId = ascii(`^bind_${UUIDV7}$`, 41, 'id of a binding');
/** Id of a service account: `svc_` and a UUIDv7. */
export const ServiceAccountId = ascii(`^svc_${UUIDV7}$`, 40, 'id of a service account');
/** Id of a key of a service account: 16 bytes in hex. No secret. */
export const ServiceKeyId = ascii('^[0-9a-f]{32}$', 32, 'id of a service account key');
/** Id of a person's session: `log_` and a UUIDv7. No secret. */
export const LoginId = ascii(`^log_${UUIDV7}$`, 40, 'id of a login');

const patterns = (minItems: number) =>
  Type.Array(PermissionPattern, { minItems, maxItems: 64, uniqueItems: true });
const name = text(128, { pattern: PRINTABLE });

/** What a role allows and denies (RBAC-2). */
export const RoleRules = Type.Object({ allow: patterns(0), deny: patterns(0) }, CLOSED);
export type RoleRules = Static<typeof RoleRules>;

/** A role (RBAC-2). `version` counts changes; the built-in ones stay at 1. */
export const Role = Type.Object(
  { id: RoleId, name, allow: patterns(0), deny: patterns(0), built_in: Type.Boolean(), version: Positive },
  CLOSED,
);
export type Role = Static<typeof Role>;

/** A value of an attribute: an exact text, or `*` for whatever is there. */
const attribute = text(256, {
  pattern: '^(?:\\*|[!-)+-~]+)$',
  description: 'printable ASCII without space and *, or * alone',
});
const path = text(256, {
  pattern: '^(?:\\*|/|(?:/(?!\\.{1,2}(?:/|$))[!-)+-.0-~]+)+)$',
  description: 'a path from / without dot segments and *, or * alone',
});

function scoped<const K extends string, P extends TProperties>(kind: K, own: P) {
  const attributes = Type.Partial(
    Type.Object({ org_id: attribute, team_id: attribute, ...own }, { ...CLOSED, minProperties: 1 }),
    { ...CLOSED, minProperties: 1 },
  );
  return Type.Object({ kind: Type.Literal(kind), attributes }, CLOSED);
}

/** Where a binding counts (RBAC-3). `global` has no attributes; each other kind at least one of its own. */
export const AccessScope = Type.Union([
  Type.Object({ kind: Type.Literal('global'), attributes: Type.Object({}, CLOSED) }, CLOSED),
  scoped('team', {}),
  scoped('repo', { repo_id: attribute }),
  scoped('path', { repo_id: attribute, path }),
  scoped('secret', { secret_id: attribute }),
  scoped('trace', { trace_id: attribute }),
]);
export type AccessScope = Static<typeof AccessScope>;

const issuer = text(512, { pattern: '^https?://[!-~]+$' });
const claim = text(256, { pattern: PRINTABLE });

/** A service account, by its id. */
export const ServiceSubject = Type.Object({ kind: Type.Literal('service'), id: ServiceAccountId }, CLOSED);
/** A person, by issuer and subject of OpenID Connect. */
export const PersonSubject = Type.Object({ kind: Type.Literal('person'), issuer, id: claim }, CLOSED);

/** Whom a binding is for (RBAC-4): a person by issuer and subject of OpenID Connect, a verified e-mail address of that
 *  issuer, everybody with a value of its group claim, or a service account. */
export const Subject = Type.Union([
  ServiceSubject,
  PersonSubject,
  Type.Object({ kind: Type.Literal('email'), issuer, id: claim }, CLOSED),
  Type.Object({ kind: Type.Literal('group'), issuer, id: claim }, CLOSED),
]);
export type Subject = Static<typeof Subject>;

/** A role for somebody, somewhere (RBAC-4). Bindings do not change: they are made and removed. */
export const Binding = Type.Object(
  { id: BindingId, role: RoleId, subject: Subject, scope: AccessScope, created: Time },
  CLOSED,
);
export type Binding = Static<typeof Binding>;

/** Who acts on the admin surface, and how it showed who it is (RBAC-9). */
export const Principal = Type.Object(
  {
    kind: Type.Union([Type.Literal('service'), Type.Literal('person')]),
    id: text(1024),
    how: Type.Union([Type.Literal('key'), Type.Literal('session'), Type.Literal('cookie')]),
    subjects: Type.Array(Subject, { minItems: 1, maxItems: 258 }),
  },
  CLOSED,
);
export type Principal = Static<typeof Principal>;

/** What was decided and by which binding (RBAC-6). */
export const AccessDecision = Type.Object(
  {
    effect: Type.Union([Type.Literal('allow'), Type.Literal('deny')]),
    reason: Type.Union([
      Type.Literal('allowed'),
      Type.Literal('denied'),
      Type.Literal('not_granted'),
      Type.Literal('malformed'),
    ]),
    binding: Type.Optional(BindingId),
    role: Type.Optional(RoleId),
    pattern: Type.Optional(PermissionPattern),
  },
  CLOSED,
);
export type AccessDecision = Static<typeof AccessDecision>;

const next = Type.Union([CursorText, Type.Null()]);

/** Body of `POST /talos/v1/rbac/roles`, and of a change of a role. */
export const RoleRequest = Type.Object(
  { name, allow: patterns(0), deny: Type.Optional(patterns(0)) },
  CLOSED,
);
export type RoleRequest = Static<typeof RoleRequest>;
/** Answer of `GET /talos/v1/rbac/roles`: the built-in roles on the first page, then the others, newest first. */
export const RolePage = Type.Object({ roles: Type.Array(Role, { maxItems: 505 }), next }, CLOSED);
export type RolePage = Static<typeof RolePage>;

/** Body of `POST /talos/v1/rbac/bindings`. */
export const BindingRequest = Type.Object({ role: RoleId, subject: Subject, scope: AccessScope }, CLOSED);
export type BindingRequest = Static<typeof BindingRequest>;
/** Answer of `GET /talos/v1/rbac/bindings`, newest first. */
export const BindingPage = Type.Object({ bindings: Type.Array(Binding, { maxItems: 500 }), next }, CLOSED);
export type BindingPage = Static<typeof BindingPage>;

/** A key of a service account, without its secret. `last_used` is right to ten minutes. */
export const ServiceKey = Type.Object(
  { id: ServiceKeyId, created: Time, expires: Time, last_used: Type.Union([Time, Type.Null()]) },
  CLOSED,
);
export type ServiceKey = Static<typeof ServiceKey>;
/** A service account with its live keys. */
export const ServiceAccount = Type.Object(
  {
    id: ServiceAccountId,
    name,
    disabled: Type.Boolean(),
    created: Time,
    created_by: text(1024),
    version: Positive,
    keys: Type.Array(ServiceKey, { maxItems: 4 }),
  },
  CLOSED,
);
export type ServiceAccount = Static<typeof ServiceAccount>;
/** Answer of `GET /talos/v1/rbac/service-accounts`, newest first. */
export const ServiceAccountPage = Type.Object(
  { service_accounts: Type.Array(ServiceAccount, { maxItems: 500 }), next },
  CLOSED,
);
export type ServiceAccountPage = Static<typeof ServiceAccountPage>;

const keySeconds = Type.Integer({
  minimum: 60,
  maximum: 31_622_400,
  description: 'life of the key, in seconds',
});

/** Body of `POST /talos/v1/rbac/service-accounts`. */
export const ServiceAccountRequest = Type.Object({ name, expires_in: Type.Optional(keySeconds) }, CLOSED);
export type ServiceAccountRequest = Static<typeof ServiceAccountRequest>;
/** Body of `POST /talos/v1/rbac/service-accounts/{id}/keys`: the other keys end after `overlap` seconds. */
export const RotateKeyRequest = Type.Object(
  {
    expires_in: Type.Optional(keySeconds),
    overlap: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_592_000 })),
  },
  CLOSED,
);
export type RotateKeyRequest = Static<typeof RotateKeyRequest>;
/** Body of a change of a service account. */
export const ServiceAccountChange = Type.Object({ disabled: Type.Boolean() }, CLOSED);
export type ServiceAccountChange = Static<typeof ServiceAccountChange>;

/** The secret of a service account, shown once (RBAC-12): `tal_svc_`, the key's id, `_` and 32 bytes. */
export const ServiceKeyText = ascii(
  '^tal_svc_[0-9a-f]{32}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$',
  84,
  'key of a service account, a secret',
);
/** Answer that shows a key. */
export const NewServiceKey = Type.Object({ service_account: ServiceAccount, key: ServiceKeyText }, CLOSED);
export type NewServiceKey = Static<typeof NewServiceKey>;

/** Body of `POST /talos/v1/rbac/check`: may somebody do this here? Without subject, the caller. */
export const CheckRequest = Type.Object(
  { permission: Permission, scope: Type.Optional(AccessScope), subject: Type.Optional(Subject) },
  CLOSED,
);
export type CheckRequest = Static<typeof CheckRequest>;

/** Answer of `GET /talos/v1/rbac/whoami`. */
export const WhoAmI = Type.Object(
  { principal: Principal, bindings: Type.Array(Binding, { maxItems: 500 }) },
  CLOSED,
);
export type WhoAmI = Static<typeof WhoAmI>;

/** The one-time token of a platform without administrator (RBAC-14): `tal_boot_` and 32 bytes. */
export const BootstrapToken = ascii('^tal_boot_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$', 52, 'bootstrap token');
/** Body of `POST /talos/v1/rbac/bootstrap`: the first administrator is a new service account, or this person. */
export const BootstrapRequest = Type.Object(
  {
    token: BootstrapToken,
    name: Type.Optional(name),
    person: Type.Optional(Type.Object({ issuer, id: claim }, CLOSED)),
  },
  CLOSED,
);
export type BootstrapRequest = Static<typeof BootstrapRequest>;
/** Answer of a bootstrap: the binding, and the key if the administrator is a service account. */
export const BootstrapAnswer = Type.Object({ binding: Binding, key: Type.Optional(ServiceKeyText) }, CLOSED);
export type BootstrapAnswer = Static<typeof BootstrapAnswer>;

/** A person's session, without its token. */
export const Login = Type.Object(
  { id: LoginId, issuer, subject: claim, created: Time, last_seen: Time, expires: Time },
  CLOSED,
);
export type Login = Static<typeof Login>;
/** Answer of `GET /talos/v1/rbac/sessions`, newest first. */
export const LoginPage = Type.Object({ sessions: Type.Array(Login, { maxItems: 500 }), next }, CLOSED);
export type LoginPage = Static<typeof LoginPage>;
