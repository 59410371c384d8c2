import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  assertWitnessed,
  type CryptoProvider,
  createEventExaminer,
  createTreeHasher,
  encodeHex,
  examineTree,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import {
  type ArchiveExamined,
  type ArchiveReader,
  examineArchive,
  manifestFaults,
  openArchive,
  readCheckpointNote,
  readManifest,
} from '@talosprotocol/sdk/archive';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { EXIT, type ExitCode } from '../../exit-code.js';
import {
  isUrl,
  type KnownLog,
  knownLog,
  type LogKeyOptions,
  type LogPlace,
  noCheckpoint,
  openUrlPlace,
  placeOfFiles,
  readLogKey,
} from '../../log-place.js';
import { dataFolder, type PlaceOptions, withPlace } from '../../place.js';
import { noPlatform, openPlatform } from '../../platform.js';
import { type Progress, withProgressBar } from '../../progress.js';
import { serverEnv } from '../../server-env.js';
import { runLongServerCommand } from '../../server-process.js';
import { isRunning, readServerRecord } from '../../server-record.js';
import { UsageError } from '../../usage-error.js';
import { createFaultList } from './fault-list.js';
import { type LogReport, reportLog } from './fault-report.js';

interface Options extends PlaceOptions, LogKeyOptions {
  readonly config?: string;
}

/** `talos audit fsck`: looks at the whole log. */
export function addFsck(audit: Command, shell: Shell): void {
  const text = {
    usage: 'fsck [place]',
    summary: 'look at every tile, entry and row of a whole log, and name what is damaged',
    examples: [
      'talos audit fsck',
      'talos audit fsck ./log.tar --vkey "$LOG_VKEY"',
      'talos audit fsck https://audit.example/tlog --trust trust.json',
    ],
    notes: [
      'Without a place, the log of the data folder: with its database if no platform runs on it, else by its files over HTTP. A',
      'place is the URL of a log (with entries, for which TALOS_KEY_FILE names a key) or an archive of talos audit log export;',
      'whose signature counts, --vkey or --trust says. Changes nothing. Exit code 0 nothing is wrong, 3 damage was found, 4 it',
      'could not be read.',
    ],
  };
  const fsck: Handler<Options> = async (call) => {
    const report = await (call.args[0] === undefined ? examineOwn(call) : examineNamed(call, call.args[0]));
    reportLog(call.output, report);
    if (report.count === 0) return EXIT.ok;
    call.output.next(call.args[0] === undefined ? NEXT : NEXT_ELSEWHERE);
    return EXIT.proofInvalid satisfies ExitCode;
  };
  withPlace(defineCommand(audit, shell, text, fsck))
    .option('--config <file>', 'the talos.yaml (default: TALOS_CONFIG, or that of the data folder)')
    .option('--vkey <key>', 'verifier key of the log')
    .option('--trust <file>', 'a trust file with one log');
}

const NEXT =
  'a tile that is damaged and deleted is made again from the database at the next start; for all else restore folder and database from one backup';

/** Of a copy, or of the log of others. */
const NEXT_ELSEWHERE =
  'take another copy, or ask whose log it is: talos audit fsck on its data folder says whether the log is damaged or the copy alone';

/** The log of the data folder, whether a platform runs on it or not. */
async function examineOwn(call: Invocation<Options>): Promise<LogReport> {
  const { io, output, options } = call;
  const data = dataFolder(io, options);
  const record = await readServerRecord(data);
  if (record === undefined || !isRunning(record)) {
    if (options.vkey !== undefined || options.trust !== undefined)
      throw new UsageError(
        '--vkey and --trust are for a place',
        'the log of the data folder is held against its own key',
      );
    if (!existsSync(join(data, 'keys', 'log.key'))) throw noPlatform(data);
    const env = serverEnv(io, options);
    const work = (tell: (progress: Progress) => void) => runLongServerCommand(['fsck'], env, tell);
    const report = (await withProgressBar(io, output, 'Examining', work)) as Omit<LogReport, 'unchecked'>;
    return { ...report, unchecked: NOT_IN_LOG };
  }
  output.aside(
    'A platform runs on this data folder: its log is read over HTTP, and its database is not looked at.',
  );
  const crypto = await createFastestCrypto();
  const { logFiles, audit } = await openPlatform(io, options);
  const [own] = (await audit.trust()).logs;
  const log = (await readLogKey(io, options, crypto)) ?? knownLog(own?.vkey ?? '', crypto);
  const { pruned } = await audit.disclosures(0);
  const report = await examine(call, await placeOfFiles(logFiles, pruned), {
    log,
    crypto,
    name: logFiles.url,
  });
  return { ...report, unchecked: [...report.unchecked, NO_DATABASE] };
}

async function examineNamed(call: Invocation<Options>, name: string): Promise<LogReport> {
  const { io, options } = call;
  const crypto = await createFastestCrypto();
  const log = await readLogKey(io, options, crypto);
  if (log === undefined)
    throw new UsageError('whose log is it?', 'name its key with --vkey, or a trust file with --trust');
  if (isUrl(name)) return examine(call, await openUrlPlace(io, name), { log, crypto, name });
  const archive = await openArchive(resolve(io.cwd, name));
  try {
    return await examineWhole(call, archive, { log, crypto });
  } finally {
    await archive.close();
  }
}

/** What no part of a log tells: the record of an erasure does not name each event that it was of. */
const NOT_IN_LOG: readonly string[] = [
  'whether what opens single commitments was left out: it may have been erased',
];
const NO_DATABASE = 'its database: stop the platform and run this again, to hold each row against the files';

/** Of an archive nothing but this stays open, without the platform whose log it is. */
const NOT_IN_ARCHIVE: readonly string[] = [
  ...NOT_IN_LOG,
  'whether policies had the anchors that policies.json says: an import names those it takes over',
  'files that no archive of a log has: an import does not take them over',
  'whether cosignatures and chain anchors were left out of it: nothing in the tree counts them',
];

/** What is known only where more is: of anchors by whoever looks their blocks up, of cosignatures with the keys of witnesses. */
function notKnown({ anchors, cosigned: { unknown } }: ArchiveExamined): readonly string[] {
  return [
    ...NOT_IN_ARCHIVE,
    ...(anchors === 0
      ? []
      : [`whether the chains have the blocks of the ${anchors} anchors: an auditor looks them up`]),
    ...(unknown === 0
      ? []
      : [`${unknown} cosignatures by keys that are not known here: a trust file (--trust) names witnesses`]),
  ];
}

/** All of an archive, by the code that an import examines it with. */
async function examineWhole(
  { io, output }: Invocation<Options>,
  archive: ArchiveReader,
  { log: { witnesses, emitters, ...log }, crypto }: Omit<Known, 'name'>,
): Promise<LogReport> {
  const manifest = await readManifest(archive);
  const note = await readCheckpointNote(archive);
  // A cosignature that does not hold is a fault among others.
  const checkpoint = verifyCheckpoint(note, log);
  const { origin, size, root } = checkpoint;
  const list = createFaultList();
  for (const fault of manifestFaults(manifest, note, checkpoint, crypto)) list.add(fault);
  const examined = await withProgressBar(io, output, 'Examining', (tell) =>
    examineArchive({
      archive,
      manifest: { ...manifest, origin },
      checkpoint,
      witnesses: witnesses?.witnesses ?? [],
      ...(emitters && { emitters }),
      crypto,
      inForce: undefined,
      onFault: list.add,
      onProgress: (done) => tell({ done, total: size }),
    }),
  );
  const { pruned, disclosures, anchors, cosigned } = examined;
  if (list.count === 0 && witnesses !== undefined) assertWitnessed(note, witnesses);
  return {
    ...{ origin, size, sequenced: size, pruned, disclosures, root: encodeHex(root), rows: 0 },
    anchors,
    cosigned: cosigned.kept.map(({ name }) => name),
    unchecked: [...notKnown(examined), ...whoseNotKnown(emitters)],
    count: list.count,
    faults: list.faults,
  };
}

function whoseNotKnown(emitters: KnownLog['emitters']): readonly string[] {
  return emitters === undefined
    ? ['whether those who recorded the events may: a trust file (--trust) names them']
    : [];
}

interface Known {
  readonly log: KnownLog;
  readonly crypto: CryptoProvider;
  readonly name: string;
}

/** What the files that everybody may read do not hold. */
const NOT_IN_FILES: readonly string[] = ['what opens commitments, and policies: they are not in these files'];

/** What the files of a log say: tiles, entries, events. */
async function examine(
  { io, output }: Invocation<Options>,
  { source, checkpoint: note, pruned }: LogPlace,
  { log, crypto, name }: Known,
): Promise<LogReport> {
  if (note === undefined) throw noCheckpoint(name);
  const { size, root, origin } = verifyCheckpoint(note, log);
  const list = createFaultList();
  const onFault = list.add;
  const { emitters } = log;
  const examiner = createEventExaminer({ crypto, origin, ...(emitters && { emitters }), onFault });
  await withProgressBar(io, output, 'Examining', (tell) =>
    examineTree({
      hasher: createTreeHasher(crypto.sha256),
      size,
      root,
      source,
      pruned,
      onRecord: () => examiner.pruned,
      onFault,
      onEntries: (from, entries) => {
        for (const [i, entry] of entries.entries()) examiner.follow(from + i, entry);
      },
      onProgress: (done) => tell({ done, total: size }),
    }),
  );
  return {
    origin,
    size,
    sequenced: size,
    pruned: examiner.pruned,
    root: encodeHex(root),
    rows: 0,
    unchecked: [...NOT_IN_FILES, ...whoseNotKnown(emitters)],
    count: list.count,
    faults: list.faults,
  };
}
