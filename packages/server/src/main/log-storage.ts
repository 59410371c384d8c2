import type { PolicyDocument } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Settings } from '../platform/settings.js';
import { clock } from '../platform/system.js';

type AuditDeps = import('../audit/deps.js').AuditDeps;

/** Each file of a batch is asked for, written and read back over the network: a batch takes in more events. */
const BUCKET_INTERVAL_MS = 200;

/** Where talos.yaml says that the tiles of the log lie; nothing for the data folder.
 *  @throws {TrustError} SETTINGS_INVALID */
export function logStorage(
  { environment, bucketCredentials }: Pick<Settings, 'environment' | 'bucketCredentials'>,
  { audit }: Pick<PolicyDocument, 'audit'>,
): { place: Pick<AuditDeps, 'openTiles'>; limits: Partial<NonNullable<AuditDeps['limits']>> } {
  const settings = audit?.storage?.s3;
  if (settings === undefined) return { place: {}, limits: {} };
  if (environment === 'production' && isOpen(settings.endpoint)) {
    throw new TrustError('SETTINGS_INVALID', 'audit.storage.s3.endpoint must be https in production', {
      hint: 'what the log holds would cross the network in the clear',
    });
  }
  const openTiles = async () => {
    const { openBucketTiles } = await import('../audit/storage/bucket.js');
    return openBucketTiles({ settings, credentials: bucketCredentials, clock });
  };
  return { place: { openTiles }, limits: { intervalMs: BUCKET_INTERVAL_MS } };
}

const LOOPBACK = /^http:\/\/(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?$/i;

function isOpen(endpoint: string | undefined): boolean {
  return endpoint?.startsWith('http:') === true && !LOOPBACK.test(endpoint);
}
