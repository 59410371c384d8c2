import type { Migration } from '../platform/migrations.js';
import { outboxMigration } from '../platform/outbox.js';

/** Events of what the configuration room changed, until the log has them. */
export const CONFIG_OUTBOX = 'config_outbox';

/** The tables of the configuration room. An applied step is never edited. */
export const CONFIG_MIGRATIONS: readonly Migration[] = [
  {
    room: 'config',
    number: 1,
    name: 'secrets',
    sql: `
-- 'sealed' is nonce, ciphertext and tag; 'kek' names the key that opens it (SEC-2).
CREATE TABLE config_secret (
  id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  version bigint NOT NULL,
  kek text NOT NULL,
  sealed bytea NOT NULL,
  created_at bigint NOT NULL,
  changed_at bigint NOT NULL
);
`,
  },
  outboxMigration('config-outbox', CONFIG_OUTBOX),
];
