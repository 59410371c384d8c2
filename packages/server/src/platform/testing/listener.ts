import { createListener, type Listener, type ListenerOptions } from '../http.js';
import { clock, random } from '../system.js';
import { createTestLog } from './test-log.js';
import { createTokenGuard } from './token-guard.js';

/** What the administrator of a test shows. */
export const ADMIN_TOKEN = `tal_admin_${'A'.repeat(43)}`;

/** Serves routes of the log on a free port of this machine; the administrator is who shows `ADMIN_TOKEN`. */
export function openTestListener(
  options: Pick<ListenerOptions, 'routes'> & Partial<ListenerOptions>,
): Promise<Listener> {
  return createListener({
    clock,
    random,
    log: createTestLog(),
    name: 'audit',
    host: '127.0.0.1',
    port: 0,
    guards: { admin: createTokenGuard(ADMIN_TOKEN) },
    allowedHosts: [],
    allowedOrigins: [],
    ...options,
  });
}
