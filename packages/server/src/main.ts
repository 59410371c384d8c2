/** The server's program, and the only reader of the environment: `main.js all | init | doctor`. It answers on standard
 *  output, one JSON document a line, and logs on standard error. With `--until-stdin-ends`, `all` also stops when its standard input does. */
import { answer, answerFailure } from './main/answer.js';
import { currentMachine, readSettings, type Settings } from './platform/settings.js';

/** Exit codes: 0 done, 1 the call or the settings are wrong, 4 something needed is not available. */
const FAILED = 1;
const UNAVAILABLE = 4;

type Command = (settings: Settings) => Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  all: async (settings) => {
    const { serve } = await import('./main/serve.js');
    const { ready, shutdown, lost, reload } = await serve(settings, process.env);
    const stop = async (reason: string, code: number): Promise<void> => {
      const clean = await shutdown.run(reason);
      process.exit(clean ? code : UNAVAILABLE);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal, 0));
    process.on('SIGHUP', () => void reload());
    onStarterGone(() => void stop('the starter of this process is gone', UNAVAILABLE));
    void lost.then(() => stop('the database ended', UNAVAILABLE));
    answer(ready);
  },
  init: async (settings) => {
    const { init } = await import('./main/init.js');
    answer(await init(settings));
  },
  doctor: async (settings) => {
    const { examine } = await import('./main/doctor.js');
    answer(await examine(settings, process.env));
  },
};

/** Whoever starts us as a part of itself holds our standard input open and says so: when it ends, however it ends, its
 *  end is read here, and nobody is left who would stop us. */
const UNTIL_STDIN_ENDS = '--until-stdin-ends';

function onStarterGone(stop: () => void): void {
  if (!process.argv.includes(UNTIL_STDIN_ENDS)) return;
  process.stdin.once('close', stop).once('error', stop).resume();
}

async function main(name: string | undefined): Promise<void> {
  const command = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (command === undefined) throw new Error(`the roles are: ${Object.keys(COMMANDS).join(', ')}`);
  await command(readSettings(process.env, currentMachine()));
}

await main(process.argv[2]).catch((error: unknown) => {
  answerFailure(error);
  process.exitCode = FAILED;
});
