import { decodeBase64, isTrustError } from '@talosprotocol/protocol';
import { readBoundedFile } from '../bounded-file.js';
import type { Io } from '../io.js';
import { UsageError } from '../usage-error.js';

/** Holds the secret where no file does. */
export const SECRET_VARIABLE = 'TALOS_WEBHOOK_SECRET';

const HINT = 'make one: echo "whsec_$(openssl rand -base64 32)" > webhook.secret; chmod 600 webhook.secret';

/** The bytes of the secret, from the file that is named or from the environment.
 *  @throws {UsageError} there is none, or it is none; it is not repeated */
export async function readWebhookSecret(io: Io, file: string | undefined): Promise<Uint8Array> {
  const given =
    file === undefined
      ? io.env[SECRET_VARIABLE]
      : Buffer.from(await readBoundedFile(io, file, 1_024)).toString('latin1');
  const text = given?.trim() ?? '';
  if (text === '') throw new UsageError(`a webhook needs --webhook-secret-file or ${SECRET_VARIABLE}`, HINT);
  const secret = text.startsWith('whsec_') ? decode(text.slice('whsec_'.length)) : undefined;
  if (secret === undefined || secret.length < 24 || secret.length > 64)
    throw new UsageError('the secret of a webhook is whsec_ and 24 to 64 bytes in base64', HINT);
  return secret;
}

function decode(text: string): Uint8Array | undefined {
  try {
    return decodeBase64(text);
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
