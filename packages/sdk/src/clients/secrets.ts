import { createChecker, SecretList, SecretRecord } from '@talosprotocol/contracts';
import { createHttpClient, type HttpClientOptions } from '../http/client.js';

/** The routes about secrets that the platform uses (SEC-1 to SEC-5). No answer holds a value. All reject with a TrustError:
 *  FORBIDDEN if the caller may not; else as the other clients. */
export interface SecretsClient {
  /** By name, without values. */
  list(): Promise<SecretList>;
  /** Keeps a value, 1 to 8192 bytes of UTF-8 without NUL, in place of the one before. CONFLICT: there are too many. */
  set(name: string, value: string): Promise<SecretRecord>;
  /** NOT_FOUND: there is none of that name. */
  remove(name: string): Promise<void>;
}

const checkList = createChecker(SecretList);
const checkRecord = createChecker(SecretRecord);

/** Makes a client of the kernel (port 8000) for these routes.
 *  @throws {TypeError} a URL that is not http or https, or holds user info
 *  @example const secrets = createSecretsClient({ url: 'http://127.0.0.1:8000', adminToken }) */
export function createSecretsClient(options: HttpClientOptions): SecretsClient {
  const { json, bytes } = createHttpClient(options);
  const one = (name: string): string => `/talos/v1/secrets/${encodeURIComponent(name)}`;
  return {
    list: () => json({ method: 'GET', path: '/talos/v1/secrets' }, checkList),
    set: (name, value) => json({ method: 'PUT', path: one(name), body: { value } }, checkRecord),
    remove: async (name) => void (await bytes({ method: 'DELETE', path: one(name) })),
  };
}
