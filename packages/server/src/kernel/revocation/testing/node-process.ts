import type { Grant } from '@talosprotocol/contracts';
import { createSigner, decodeHex } from '@talosprotocol/protocol';
import { createSecret } from '../../../platform/secret.js';
import { createSql } from '../../../platform/sql.js';
import { clock } from '../../../platform/system.js';
import { createPlatform, crypto, openWorld } from '../../testing/kernel-world.js';

/** A kernel in a process of its own, for tests with several on one database. Its argument says where that is and the
 *  seed of the organisation; a number on its standard input lets that many milliseconds of silence pass at once. */
const { socketFolder, port, user, password, database, seed } = JSON.parse(process.argv[2] ?? '{}');

let skipped = 0;
const time = {
  get now() {
    return clock.now() + skipped;
  },
  get monotonic() {
    return clock.monotonic() + skipped;
  },
};
const organisation = createSigner(decodeHex(seed), crypto);
const address = { socketFolder, port, user, password: createSecret(password), database };
const sql = createSql({ address });
const platform = createPlatform();
// What is allowed to write shows that a silent feed, and nothing else, refuses it.
const grants: Grant[] = [{ scope: 'tool:files', ops: ['read', 'write'] }];
const anchors = [{ iss: organisation.did, tenant: 'acme', grants }];
const policy = { ...platform.policy, anchors };
const gateway = createSigner(decodeHex(seed).reverse(), crypto);
const world = await openWorld(sql, { ...platform, organisation, gateway, policy, time });

process.stdin.on('data', (chunk) => {
  skipped += Number(chunk.toString());
  process.stdout.write('skipped\n');
});
process.stdout.write(`${JSON.stringify({ url: world.listener.url, admin: world.admin })}\n`);
