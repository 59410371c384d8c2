import { tryTalosYaml } from './config-edit.js';
import type { Invocation } from './define-command.js';
import type { Platform } from './platform.js';
import { withProgress } from './progress.js';
import type { TalosYaml } from './talos-yaml.js';
import { UsageError } from './usage-error.js';

/** The talos.yaml of the platform that runs on the data folder. @throws {UsageError} none runs there */
export function runningConfig({ record }: Platform): string {
  if (record === undefined)
    throw new UsageError('no platform runs on this data folder', 'start one with: talos up');
  return record.config;
}

/** Changes the talos.yaml of the running platform and puts that in force; what the platform refuses is taken back.
 *  @throws {UsageError} none runs on the data folder
 *  @throws {TrustError} what the platform says of it */
export async function changePolicy(
  { io, output }: Pick<Invocation<unknown>, 'io' | 'output'>,
  platform: Platform,
  change: (yaml: TalosYaml) => void,
): Promise<string> {
  const config = runningConfig(platform);
  await tryTalosYaml(io, config, change, () =>
    withProgress(io, output, 'Putting it in force', platform.gateway.reloadPolicy()),
  );
  return config;
}
