import { type Static, Type } from 'typebox';
import { ascii, CLOSED, Positive, Time, text } from './primitive.js';

/** The operator's name for a secret, such as the key to a model provider (SEC-1). No secret itself. */
export const SecretName = ascii('^[a-z0-9][a-z0-9._-]{0,63}$', 64, 'name of a secret');

/** Id of a secret: `sec_` and a UUIDv7. A name that is removed and set again gets another one. */
export const SecretId = ascii(
  '^sec_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  40,
  'id of a secret',
);

/** Body of `PUT /talos/v1/secrets/{name}`: the value, which no answer ever holds. */
export const SecretRequest = Type.Object({ value: text(8192, { pattern: '^[^\\u0000]+$' }) }, CLOSED);
export type SecretRequest = Static<typeof SecretRequest>;

/** What is told of a secret: never its value. `version` counts how often it was set. */
export const SecretRecord = Type.Object(
  { id: SecretId, name: SecretName, version: Positive, created: Time, changed: Time },
  CLOSED,
);
export type SecretRecord = Static<typeof SecretRecord>;

/** Most secrets there may be. */
export const MAX_SECRETS = 1024;

/** Answer of `GET /talos/v1/secrets`, by name. */
export const SecretList = Type.Object(
  { secrets: Type.Array(SecretRecord, { maxItems: MAX_SECRETS }) },
  CLOSED,
);
export type SecretList = Static<typeof SecretList>;
