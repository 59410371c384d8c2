import type { Settings } from '../../platform/settings.js';
import { layWitnessFoundation } from './witness-foundation.js';

/** `witness-key`: makes the data folder of a witness, its key and a first talos.yaml, and says by which key others know
 *  it. No secret is in the answer. */
export async function witnessKey(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<object> {
  const { folder, cosigner, config } = await layWitnessFoundation(settings, env, 'shared');
  await folder.release();
  return { name: cosigner.name, vkey: cosigner.vkey, data: folder.path, config };
}
