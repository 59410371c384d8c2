import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Sees to it that a program is on the PATH: where root runs the tests on a Debian, it is installed.
 *  @throws {Error} there is none, and why: a test that needs it fails */
export async function ensureProgram(program: string, debianPackage: string): Promise<void> {
  if (await isThere(program)) return;
  const why = await install(program, debianPackage);
  if (!(await isThere(program))) throw new Error(why);
}

function isThere(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}

/** Says why there is still none; of no meaning if there is one afterwards. */
async function install(program: string, debianPackage: string): Promise<string> {
  if (process.platform !== 'linux')
    return `${program} is not on the PATH of this ${process.platform} machine`;
  if (process.getuid?.() !== 0) return `${program} is not on the PATH, and only root may install it`;
  // Two test processes may want it at the same time: the second waits for the first.
  const options = ['-o', 'DPkg::Lock::Timeout=120'];
  const words = ['-y', ...options, 'install', '--no-install-recommends', debianPackage];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', words, { env }).catch(async () => {
      await run('apt-get', [...options, 'update'], { env });
      await run('apt-get', words, { env });
    });
    return `${program} is not on the PATH though ${debianPackage} is installed`;
  } catch (error) {
    return `${program} is not on the PATH, and apt-get did not install it: ${error instanceof Error ? error.message : error}`;
  }
}
