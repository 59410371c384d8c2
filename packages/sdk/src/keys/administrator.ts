import { BootstrapAnswer, createChecker } from '@talosprotocol/contracts';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import { createHttpClient } from '../http/client.js';
import { readKeyFile, writeKeyFile } from './key-file.js';

/** File of a keys folder that holds the service account key of this machine's administrator, mode 0600. */
export const ADMINISTRATOR_FILE = 'admin.credential';
const BOOTSTRAP_FILE = 'bootstrap.token';

/** Where the administrator's key of a machine is kept, and the platform it is for. */
export interface AdministratorOptions {
  /** The folder `keys` of the platform's data folder. */
  readonly keysFolder: string;
  /** Where its kernel answers; asked for only if there is no key yet. */
  readonly kernel: () => string;
  readonly fetch?: typeof fetch;
}

const check = createChecker(BootstrapAnswer);

/** The service account key of this machine's administrator. If there is none and the platform waits for its first
 *  administrator, this redeems the one-time token of its data folder and keeps the key (RBAC-14). Of several that try at
 *  once one redeems it and the others read what it wrote. Undefined if there is neither key nor token.
 *  @throws {TrustError} SETTINGS_INVALID: a file others can read, or a kernel that is not on this machine;
 *  UNAUTHENTICATED: the token counts no more; UNAVAILABLE */
export async function openAdministratorKey(options: AdministratorOptions): Promise<string | undefined> {
  const { keysFolder } = options;
  const kept = await readText(keysFolder, ADMINISTRATOR_FILE);
  if (kept !== undefined) return kept;
  const token = await readText(keysFolder, BOOTSTRAP_FILE);
  if (token === undefined) return undefined;
  try {
    const key = await redeem(options, token);
    await writeKeyFile(keysFolder, ADMINISTRATOR_FILE, `${key}\n`);
    return key;
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'UNAUTHENTICATED') throw error;
    return keyOfAnother(keysFolder, error);
  }
}

async function redeem({ kernel, fetch }: AdministratorOptions, token: string): Promise<string> {
  const url = kernel();
  assertHere(url);
  const { json } = createHttpClient({ url, ...(fetch === undefined ? {} : { fetch }) });
  const path = '/talos/v1/rbac/bootstrap';
  const answer = await json<BootstrapAnswer>({ method: 'POST', path, body: { token } }, check);
  if (answer.key !== undefined) return answer.key;
  throw new TrustError('UPSTREAM_FAILED', 'the platform made an administrator without a key');
}

const HERE = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]|0\.0\.0\.0|\[::\])$/;

/** Whoever gets the token first is the administrator. */
function assertHere(url: string): void {
  if (HERE.test(new URL(url).hostname)) return;
  throw new TrustError('SETTINGS_INVALID', 'the first administrator is made on the machine of the platform', {
    hint: 'run the command there first, or copy keys/admin.credential from there',
  });
}

const TRIES = 20;
const WAIT_MS = 100;

async function keyOfAnother(keysFolder: string, refusal: TrustError): Promise<string> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const key = await readText(keysFolder, ADMINISTRATOR_FILE);
    if (key !== undefined) return key;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  throw refusal;
}

async function readText(folder: string, name: string): Promise<string | undefined> {
  const text = (await readKeyFile(folder, name))?.trim();
  return text === '' ? undefined : text;
}
