import { resolve } from 'node:path';
import { DISCLOSURE_PAGE, type LogManifest } from '@talosprotocol/contracts';
import {
  createEventExaminer,
  createTreeHasher,
  encodeHex,
  encodeUtf8,
  examineTree,
  type LogFault,
  TrustError,
  tilePath,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { AuditClient } from '@talosprotocol/sdk';
import {
  type ArchiveWriter,
  archiveJson,
  createArchive,
  disclosurePath,
  MANIFEST,
  POLICIES,
} from '@talosprotocol/sdk/archive';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import { knownLog, type LogPlace, noCheckpoint, placeOfFiles } from '../../log-place.js';
import { openPlatform, type Platform, type PlatformOptions, withPlatform } from '../../platform.js';
import { type Progress, withProgressBar } from '../../progress.js';
import { writeAnchors } from './export-anchors.js';
import { createFaultList } from './fault-list.js';
import { reportLog } from './fault-report.js';

/** `talos audit log export`: the whole log in one folder or file. */
export function addLogExport(log: Command, shell: Shell): void {
  const text = {
    usage: 'export <archive>',
    summary: 'write the whole log into a new folder, or a tar file if its name ends in .tar',
    examples: ['talos audit log export ./log.tar', 'talos audit log export ./log-2026-11'],
    notes: [
      'Asks the platform on the data folder, which goes on meanwhile: the archive ends at one checkpoint. It holds tiles and entries as',
      'C2SP tlog-tiles lays them out, what opens commitments, every policy that was in force, the cosignatures of witnesses and proofs',
      'of chain anchors. Whoever reads it reads what was disclosed, so keep it closed; no key is in it. All of it is verified as it is',
      'written. Once bodies were pruned, an archive can be examined and no longer imported. Exit code 0 done, 3 the log is damaged',
      'and nothing was kept.',
    ],
  };
  const take: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const path = resolve(io.cwd, args[0] ?? '');
    const platform = await openPlatform(io, options);
    const source = await openSource(platform);
    const archive = await createArchive(path);
    try {
      const list = createFaultList();
      const work = (tell: (progress: Progress) => void) =>
        writeArchive({ ...source, archive, onFault: list.add, tell });
      const manifest = await withProgressBar(io, output, 'Exporting', work);
      const { origin, size, root, pruned } = manifest;
      const { count, faults } = list;
      if (count > 0) {
        await archive.discard();
        reportLog(output, {
          origin,
          size,
          sequenced: size,
          pruned,
          root,
          rows: 0,
          unchecked: [],
          count,
          faults,
        });
        return EXIT.proofInvalid;
      }
      await archive.finish();
      const { later } = source;
      output.result({ ok: true, archive: path, ...manifest, later }, () => {
        output.line(`The log up to event ${size - 1} is in ${path}`);
        for (const line of notInIt(pruned, later)) output.line(line);
        output.line(`  log        ${origin}`);
        output.line(`  root       ${root}`);
      });
      output.next(`talos audit fsck ${args[0]} --vkey "${manifest.vkey}"`);
      return undefined;
    } catch (error) {
      await archive.discard();
      throw error;
    }
  };
  withPlatform(defineCommand(log, shell, text, take), 'audit');
}

/** What an archive lacks that somebody may count on, and what follows from that. */
export function notInIt(pruned: number, later: number): readonly string[] {
  return [
    ...(later > 0
      ? [`  not in it  ${later} newer: the log shows no state with them yet, signed and witnessed`]
      : []),
    // Whoever keeps it as a backup would else hear of it when the log is lost.
    ...(pruned > 0
      ? [
          `  not in it  bodies of events below ${pruned}, which were pruned: it can be examined, and no import brings it back. A backup of such a log is its data folder and database`,
        ]
      : []),
  ];
}

interface Source {
  readonly client: AuditClient;
  readonly place: LogPlace;
  readonly note: string;
  readonly checkpoint: VerifiedCheckpoint;
  readonly vkey: string;
  readonly policies: readonly object[];
  /** Events that were recorded by then and are behind that checkpoint: it waits for its tiles, and for witnesses. */
  readonly later: number;
  readonly crypto: Awaited<ReturnType<typeof createFastestCrypto>>;
}

/** A checkpoint of the running log, and what it is read from. */
async function openSource({ audit: client, logFiles }: Platform): Promise<Source> {
  const crypto = await createFastestCrypto();
  const { logs, policies = [] } = await client.trust();
  const vkey = logs[0]?.vkey ?? '';
  const { pruned } = await client.disclosures(0);
  const place = await placeOfFiles(logFiles, pruned);
  if (place.checkpoint === undefined) throw noCheckpoint(logFiles.url);
  const checkpoint = verifyCheckpoint(place.checkpoint, knownLog(vkey, crypto));
  const [newest] = (await client.events({ limit: 1 })).events;
  const later = Math.max(0, (newest?.index ?? 0) + 1 - checkpoint.size);
  return { client, place, note: place.checkpoint, checkpoint, vkey, policies, later, crypto };
}

interface Writing extends Source {
  readonly archive: ArchiveWriter;
  readonly onFault: (fault: LogFault) => void;
  readonly tell: (progress: Progress) => void;
}

/** Writes every file, the manifest last: an archive without it is not a whole one. */
async function writeArchive(writing: Writing): Promise<LogManifest> {
  const { archive, note, checkpoint, vkey, policies, place } = writing;
  const { origin, size, root } = checkpoint;
  await archive.write('checkpoint', encodeUtf8(note));
  await writeTiles(writing);
  const disclosures = await writeDisclosures(writing);
  await archive.write(POLICIES, archiveJson(policies));
  await writeAnchors(writing, place.source);
  const manifest: LogManifest = {
    format: 'talos-log-v1',
    origin,
    vkey,
    size,
    root: encodeHex(root),
    pruned: place.pruned,
    disclosures,
  };
  await archive.write(MANIFEST, archiveJson(manifest));
  return manifest;
}

async function writeTiles({ archive, checkpoint, place, crypto, onFault, tell }: Writing): Promise<void> {
  const { origin, size, root } = checkpoint;
  const written = new Set<string>();
  const examiner = createEventExaminer({ crypto, origin, onFault });
  await examineTree({
    hasher: createTreeHasher(crypto.sha256),
    size,
    root,
    pruned: place.pruned,
    onRecord: () => examiner.pruned,
    source: async (tile) => {
      const bytes = await place.source(tile);
      const path = tilePath(tile);
      // To blame one of two files a tile is read again.
      if (bytes !== undefined && !written.has(path)) {
        written.add(path);
        await archive.write(path, bytes);
      }
      return bytes;
    },
    onFault,
    onEntries: (from, entries) => {
      for (const [i, entry] of entries.entries()) examiner.follow(from + i, entry);
    },
    onProgress: (done) => tell({ done, total: 2 * size }),
  });
}

async function writeDisclosures({ archive, client, checkpoint, tell }: Writing): Promise<number> {
  const { size } = checkpoint;
  let files = 0;
  for (let from = 0; from < size; from += DISCLOSURE_PAGE) {
    const page = await client.disclosures(from);
    if (page.from !== from)
      throw new TrustError('UPSTREAM_FAILED', 'the platform answered another page than was asked for');
    const inside = page.disclosures.filter(({ index }) => index < size);
    if (inside.length > 0) {
      files += 1;
      await archive.write(disclosurePath(from / DISCLOSURE_PAGE), archiveJson(inside));
    }
    tell({ done: size + Math.min(from + DISCLOSURE_PAGE, size), total: 2 * size });
  }
  return files;
}
