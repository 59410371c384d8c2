import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { KEY_FILE } from '../../platform.js';
import { runWatch } from '../../watch/run-watch.js';
import { readWatchSetting, type WatchOptions } from '../../watch/watch-setting.js';
import { SECRET_VARIABLE } from '../../watch/webhook-secret.js';

/** `talos audit watch`: a monitor. Needs no platform of its own, and believes none. */
export function addWatch(audit: Command, shell: Shell): void {
  const text = {
    usage: 'watch <url>',
    summary: 'follow a log, and raise an alert when it shows what an honest log does not',
    examples: [
      'talos audit watch https://audit.example/tlog --trust trust.json --state watch.json',
      'talos audit watch http://127.0.0.1:8002/tlog --trust trust.json --state watch.json --entries --once',
      'talos audit watch https://log.example --trust trust.json --also https://mirror.example/log',
    ],
    notes: [
      'The URL is the prefix below which checkpoint and tile/ lie; any log of C2SP tlog-tiles will do. Found are: a checkpoint',
      'that no key of the log signed, a smaller log, another history, tiles or entries that are not those of the checkpoint,',
      'events out of order, cosignatures that are missing, and a log that shows nothing new. What was seen is kept in the',
      `state file and holds after a restart. Where not everybody may read entries, ${KEY_FILE} names a file with a key that may.`,
      'With --json, one alert a line. A webhook gets each alert at least once, signed as Standard Webhooks say, with the secret',
      `in --webhook-secret-file or ${SECRET_VARIABLE}. With --once: exit code 0 nothing is wrong, 3 something is, 4 there is no answer.`,
      'A smaller state of the log than before is said, and is something wrong once it was shown for as long as --grace forgives.',
    ],
  };
  const watch: Handler<WatchOptions> = async (call) => {
    const setting = await readWatchSetting(call);
    const stopping = new AbortController();
    const ignore = call.io.onStop(() => stopping.abort());
    return runWatch({ ...call, setting, stopped: stopping.signal }).finally(ignore);
  };
  const command = defineCommand(audit, shell, text, watch);
  addSource(command);
  addTelling(command);
}

function addSource(command: Command): void {
  command
    .option('--trust <file>', 'whose log it is, with its witnesses and emitters')
    .option('--vkey <key>', 'instead of a trust file: the verifier key of the log')
    .option('--origin <name>', 'which log of the trust file')
    .option('--also <url>', 'the same log as somebody else sees it; may be repeated', collect, [])
    .option('--witness <url>', 'what a Talos witness saw of it; may be repeated', collect, [])
    .option('--entries', 'read every entry too, and hold it to the rules of events')
    .option('--from <index>', 'with --entries: the first that is read (default: 0)');
}

function addTelling(command: Command): void {
  command
    .option('--state <file>', 'where to keep what was seen')
    .option('--evidence <folder>', 'where to keep proofs (default: beside the state file)')
    .option('--every <duration>', 'how often to look', '30s')
    .option(
      '--grace <duration>',
      'how long it may lag behind itself, and, but for --once, give no answer or cosignatures',
      '1m',
    )
    .option('--max-age <duration>', 'how long there may be nothing new', '1d')
    .option('--webhook <url>', 'where to send alerts')
    .option('--webhook-secret-file <file>', 'what they are signed with')
    .option('--metrics-port <port>', 'serve metrics for Prometheus on this port of 127.0.0.1')
    .option('--once', 'look once, and say how it is');
}

const collect = (url: string, urls: readonly string[]): readonly string[] => [...urls, url];
