/** The server's program, and the only reader of the environment: `main.js <role>[,<role>...] | all | witness |
 *  init | doctor | witness-key | anchor-deploy`. It
 *  answers on standard output, one JSON document a line, and logs on standard error. With `--until-stdin-ends` a role
 *  also stops when its standard input does. */
import { answer, answerFailure } from './main/answer.js';
import { parseArguments, USAGE } from './main/arguments.js';
import type { Roles } from './main/roles.js';
import type { Running } from './main/serve.js';
import { currentMachine, readSettings, type Settings } from './platform/settings.js';

/** Exit codes: 0 done, 1 the call or the settings are wrong, 4 something needed is not available. */
const FAILED = 1;
const UNAVAILABLE = 4;

async function serveRoles(settings: Settings, roles: Roles, untilStdinEnds: boolean): Promise<void> {
  const { serve } = await import('./main/serve.js');
  keepServing(await serve(settings, process.env, roles), untilStdinEnds);
}

async function serveWitness(settings: Settings, untilStdinEnds: boolean): Promise<void> {
  const { serveWitness: serve } = await import('./main/witness/serve-witness.js');
  keepServing(await serve(settings, process.env), untilStdinEnds);
}

/** Says that it serves, and ends when somebody says so or it must. */
function keepServing({ ready, shutdown, lost, reload }: Running, untilStdinEnds: boolean): void {
  const stop = async (reason: string, code: number): Promise<void> => {
    const clean = await shutdown.run(reason);
    process.exit(clean ? code : UNAVAILABLE);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal, 0));
  process.on('SIGHUP', () => void reload());
  if (untilStdinEnds) onStarterGone(() => void stop('the starter of this process is gone', UNAVAILABLE));
  void lost.then((reason) => stop(reason, UNAVAILABLE));
  answer(ready);
}

/** Whoever starts us as a part of itself holds our standard input open: when it ends, however it ends, its end is read
 *  here, and nobody is left who would stop us. */
function onStarterGone(stop: () => void): void {
  process.stdin.once('close', stop).once('error', stop).resume();
}

async function main(): Promise<void> {
  const wanted = parseArguments(process.argv.slice(2));
  if (wanted.command === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const settings = readSettings({ ...process.env, ...wanted.variables }, currentMachine());
  if (wanted.command === 'serve') await serveRoles(settings, wanted.roles, wanted.untilStdinEnds);
  else if (wanted.command === 'witness') await serveWitness(settings, wanted.untilStdinEnds);
  else if (wanted.command === 'witness-key') {
    const { witnessKey } = await import('./main/witness/witness-key.js');
    answer(await witnessKey(settings, process.env));
  } else if (wanted.command === 'anchor-deploy') {
    const { deployAnchor } = await import('./main/anchor-deploy.js');
    answer(await deployAnchor(settings, process.env));
  } else if (wanted.command === 'fsck') {
    const { fsck } = await import('./main/fsck.js');
    answer(await fsck(settings, process.env, (progress) => answer({ progress })));
  } else if (wanted.command === 'import-log') {
    const { importLog } = await import('./main/import-log.js');
    answer(await importLog(settings, process.env, wanted.archive, (progress) => answer({ progress })));
  } else if (wanted.command === 'init') {
    const { init } = await import('./main/init.js');
    answer(await init(settings));
  } else {
    const { examine } = await import('./main/doctor.js');
    answer(await examine(settings, process.env));
  }
}

await main().catch((error: unknown) => {
  answerFailure(error);
  process.exitCode = FAILED;
});
