import { isAbsolute, join } from 'node:path';

/** The facts about a machine that the default data folder depends on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** Of the process; -1 where there is no such thing. */
  readonly uid: number;
}

/** Where data lies unless TALOS_DATA says otherwise: `/var/lib/talos` for root, else the place the platform keeps
 *  for it under the home folder. Undefined without a usable home folder. Looks at `HOME` and `XDG_DATA_HOME` only. */
export function defaultDataFolder(
  env: Readonly<Record<string, string | undefined>>,
  machine: Machine,
): string | undefined {
  if (machine.uid === 0) return '/var/lib/talos';
  const home = env['HOME'];
  if (machine.platform === 'darwin' && home) return join(home, 'Library/Application Support/talos');
  const xdg = env['XDG_DATA_HOME'];
  if (xdg && isAbsolute(xdg)) return join(xdg, 'talos');
  return home && isAbsolute(home) ? join(home, '.local/share/talos') : undefined;
}
