import { resolve } from 'node:path';
import { createNoteVerifier, isTrustError } from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import { defaultDataFolder } from '@talosprotocol/sdk/keys';
import type { Command } from 'commander';
import { editTalosYaml } from '../config-edit.js';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import type { Io } from '../io.js';
import type { Output } from '../output.js';
import { withProgress } from '../progress.js';
import { parsePort, type ServerEnvOptions, serverEnv } from '../server-env.js';
import { runServerCommand, type ServerProcess, startRoles } from '../server-process.js';
import { serveUntilStopped } from '../serving.js';
import { UsageError } from '../usage-error.js';

interface Options extends Pick<ServerEnvOptions, 'data' | 'config'> {
  readonly port?: string;
  readonly follow?: readonly string[];
  readonly vkey?: boolean;
}

/** What a witness says of itself. */
interface WitnessKey {
  readonly name: string;
  readonly vkey: string;
  readonly data: string;
  readonly config: string;
}

/** And where it answers, once it serves. */
interface WitnessReady extends WitnessKey {
  readonly witness: string;
  /** How many logs. */
  readonly follows: number;
}

/** `talos witness`: watches logs of others, so that they cannot show two histories. */
export function addWitness(program: Command, shell: Shell): void {
  const text = {
    usage: 'witness',
    summary: 'cosign the checkpoints of logs, so that none can show two histories; runs until Ctrl-C',
    examples: [
      'talos witness --data ./witness --follow "$LOG_VKEY"',
      'talos witness --data ./witness --vkey',
    ],
    notes: [
      'Speaks C2SP tlog-witness with any log; which ones, talos.yaml says (witness.logs). It keeps what it saw in a data folder,',
      'with a key and a database of its own: never that of a log. Listens on loopback unless TALOS_HOST says otherwise. With',
      '--json the one document comes once it serves. Exit code 0 after a clean stop, 1 a setting is wrong, 4 it could not start',
      'or ended by itself.',
    ],
  };
  const witness: Handler<Options> = async ({ io, output, options }) => {
    const env = witnessEnv(io, options);
    const { vkey, follow = [] } = options;
    await assertLogKeys(follow);
    if (vkey === true || follow.length > 0) {
      const key = (await withProgress(
        io,
        output,
        'Reading',
        runServerCommand('witness-key', env),
      )) as WitnessKey;
      await followLogs(io, key.config, follow);
      if (vkey === true) {
        output.result({ ok: true, ...key }, () => output.line(key.vkey));
        return undefined;
      }
    }
    const start = async (signal: AbortSignal): Promise<{ server: ServerProcess<WitnessReady> }> => {
      const starting = startRoles<WitnessReady>('witness', { env, log: 'inherit', signal });
      return { server: await withProgress(io, output, 'Starting', starting) };
    };
    return serveUntilStopped(io, output, start, async ({ server }) => {
      const { pid, ready } = server;
      const hint = ready.follows === 0 ? { hint: nothingFollowed(ready) } : {};
      output.result({ ok: true, pid, ...ready, ...hint }, () => printReady(output, ready));
    });
  };
  defineCommand(program, shell, text, witness)
    .option(
      '--data <folder>',
      'its data folder (default: TALOS_DATA, or talos-witness beside that of this user)',
    )
    .option('--config <file>', 'its talos.yaml (default: TALOS_CONFIG, or that of the data folder)')
    .option('--port <port>', 'where it listens, 0 for any (default: TALOS_WITNESS_PORT, or 8004)')
    .option('--follow <vkey...>', 'first write these logs into its talos.yaml, by their keys')
    .option('--vkey', 'print the key by which others know it, and end');
}

function witnessEnv(io: Io, options: Options): Record<string, string | undefined> {
  const own = defaultDataFolder(io.env, io.machine);
  const data = options.data ?? (io.env['TALOS_DATA'] || (own === undefined ? undefined : `${own}-witness`));
  const env = serverEnv(io, { ...options, ...(data === undefined ? {} : { data: resolve(io.cwd, data) }) });
  const port = parsePort('--port', options.port);
  return { ...env, ...(port === undefined ? {} : { TALOS_WITNESS_PORT: port }) };
}

/** Before anything is made for them. @throws {UsageError} */
async function assertLogKeys(vkeys: readonly string[]): Promise<void> {
  const crypto = await createFastestCrypto();
  for (const vkey of vkeys) {
    try {
      createNoteVerifier(crypto, vkey);
    } catch (error) {
      if (!isTrustError(error)) throw error;
      throw new UsageError(
        `--follow takes the key of a log: ${error.data.reason}`,
        'of a Talos log: `log.vkey` of /.well-known/talos.json, or of what talos init --json prints on its data folder',
      );
    }
  }
}

async function followLogs(io: Io, config: string, vkeys: readonly string[]): Promise<void> {
  if (vkeys.length === 0) return;
  await editTalosYaml(io, config, (yaml) => {
    for (const vkey of vkeys) yaml.followLog(vkey);
  });
}

/** A witness may start first and get its logs later. */
function nothingFollowed({ config }: WitnessReady): string {
  return `it follows no log yet: start it with --follow <vkey>, or name one under witness.logs in ${config} and send it SIGHUP`;
}

function printReady(output: Output, ready: WitnessReady): void {
  const { color, line } = output;
  const { witness, name, vkey, follows, config, data } = ready;
  line(color.green('The witness is up.'));
  if (follows === 0) line(color.yellow(`But ${nothingFollowed(ready)}`));
  for (const [label, value] of [
    ['witness', witness],
    ['name', name],
    ['key', vkey],
    ['follows', follows === 1 ? '1 log' : `${follows} logs`],
    ['config', config],
    ['data', data],
  ])
    line(`  ${String(label).padEnd(13)} ${value}`);
  output.next(`in the talos.yaml of a log that it follows:
  audit:
    witnesses:
      - { vkey: "${vkey}", url: "${witness}" }
    quorum: 1
Ctrl-C stops the witness.`);
}
