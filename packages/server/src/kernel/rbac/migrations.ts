import type { Migration } from '../../platform/migrations.js';

/** The tables of the admin surface. An applied step is never edited. */
export const rbacMigrations: readonly Migration[] = [
  {
    room: 'kernel-rbac',
    number: 1,
    name: 'roles-bindings-accounts-logins',
    sql: `
-- One row. Whoever changes anything below updates it first: changes happen one after another, and 'version' tells
-- readers that what they remember is old.
CREATE TABLE rbac_state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version bigint NOT NULL,
  administrator boolean NOT NULL,
  boot_hash bytea,
  boot_ends bigint
);
INSERT INTO rbac_state (version, administrator) VALUES (1, false);

CREATE TABLE rbac_role (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  allow jsonb NOT NULL,
  deny jsonb NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE rbac_binding (
  id text COLLATE "C" PRIMARY KEY,
  role text NOT NULL,
  subject jsonb NOT NULL,
  scope jsonb NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE rbac_service_account (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  disabled boolean NOT NULL DEFAULT false,
  created_by text NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE rbac_service_key (
  id text COLLATE "C" PRIMARY KEY,
  account text NOT NULL REFERENCES rbac_service_account (id),
  hash bytea NOT NULL,
  created_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  used_at bigint
);
CREATE INDEX rbac_service_key_account ON rbac_service_key (account);

-- Sessions of people: the token itself is nowhere.
CREATE TABLE rbac_login (
  id text COLLATE "C" PRIMARY KEY,
  hash bytea NOT NULL UNIQUE,
  issuer text NOT NULL,
  subject text NOT NULL,
  subjects jsonb NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  ends_at bigint NOT NULL
);

-- Logins under way: both hashes must come back, from the same browser, once.
CREATE TABLE rbac_login_attempt (
  state_hash bytea PRIMARY KEY,
  browser_hash bytea NOT NULL,
  nonce text NOT NULL,
  verifier text NOT NULL,
  ends_at bigint NOT NULL
);
`,
  },
  {
    room: 'kernel-rbac',
    number: 2,
    name: 'logins-under-way-by-age',
    sql: 'CREATE INDEX rbac_login_attempt_ends ON rbac_login_attempt (ends_at);',
  },
];
