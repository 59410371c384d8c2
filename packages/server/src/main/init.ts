import type { Settings } from '../platform/settings.js';
import { layFoundation } from './foundation.js';

/** `init`: makes the data folder, its keys and a first talos.yaml, and says where they lie. No secret is in the answer. */
export async function init(settings: Settings): Promise<object> {
  const { folder, identities, config, isNew } = await layFoundation(settings);
  await folder.release();
  return {
    data: folder.path,
    keys: folder.keys,
    config,
    config_written: isNew,
    organisation: identities.organisation.did,
    gateway: identities.gateway.did,
    log: { origin: identities.origin, vkey: identities.vkey },
  };
}
