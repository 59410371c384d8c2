import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { SecretsClient } from '@talosprotocol/sdk';

/** Keeps secrets of names that are free, for what uses them: if that fails, or one cannot be kept, all of them are removed.
 *  @throws what failed, with the names of those that could not be removed */
export async function withNewSecrets(
  secrets: SecretsClient,
  values: ReadonlyMap<string, string>,
  use: () => Promise<unknown>,
): Promise<void> {
  const tried: string[] = [];
  try {
    for (const [name, value] of values) {
      tried.push(name);
      const { version } = await secrets.set(name, value);
      if (version > 1) throw setMeanwhile(name, tried);
    }
    await use();
  } catch (error) {
    const stuck = await removeAll(secrets, tried);
    throw stuck.length === 0 ? error : alsoStuck(error, stuck);
  }
}

/** Whoever else set it is told, and finds a secret there. */
function setMeanwhile(name: string, tried: string[]): TrustError {
  tried.pop();
  return new TrustError('CONFLICT', `somebody else set the secret ${name} at the same time`, {
    hint: `set it again: talos secrets set ${name}; then import again`,
  });
}

/** Those that could not be removed. */
async function removeAll(secrets: SecretsClient, names: readonly string[]): Promise<readonly string[]> {
  const stuck: string[] = [];
  for (const name of names)
    await secrets.remove(name).catch((error: unknown) => {
      if (!isTrustError(error) || error.code !== 'NOT_FOUND') stuck.push(name);
    });
  return stuck;
}

function alsoStuck(error: unknown, stuck: readonly string[]): TrustError {
  const remove = `new secrets could not be removed again: ${stuck.map((name) => `talos secrets remove ${name}`).join('; ')}`;
  if (!isTrustError(error)) return new TrustError('INTERNAL', 'the import failed', { hint: remove }, error);
  const { reason = error.message, hint } = error.data;
  const hints = hint === undefined ? remove : `${hint}; ${remove}`;
  return new TrustError(error.code, reason, { ...error.data, hint: hints }, error);
}
