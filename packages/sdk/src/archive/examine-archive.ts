import type { LogManifest, PolicyAnchors } from '@talosprotocol/contracts';
import {
  type Checkpoint,
  type CosignatureVerifier,
  type CryptoProvider,
  createEventExaminer,
  createNoteVerifier,
  createTreeHasher,
  decodeUtf8,
  type EventExaminer,
  encodeHex,
  examineTree,
  isTrustError,
  type LogFault,
  openDisclosures,
  TILE_WIDTH,
  TrustError,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '@talosprotocol/protocol';
import type { ArchiveReader } from './archive-reader.js';
import { type ClaimDeps, type ClaimedPolicies, claimPolicies } from './claimed-policies.js';
import { createRootReader, examineAnchors } from './examine-anchors.js';
import { type Cosigned, examineCosignatures } from './examine-cosignatures.js';
import { archiveTiles, MANIFEST, POLICIES, readDisclosures, readPolicies } from './log-archive.js';

/** What is looked at, and what is known besides the archive. */
export interface ArchiveExamination extends Pick<ClaimDeps, 'inForce' | 'crypto'> {
  readonly archive: ArchiveReader;
  readonly manifest: LogManifest;
  readonly checkpoint: VerifiedCheckpoint;
  /** Those whose cosignatures count. */
  readonly witnesses: readonly CosignatureVerifier[];
  /** Whose events count; anybody's if it is absent. */
  readonly emitters?: ReadonlySet<string>;
  readonly onFault: (fault: LogFault) => void;
  /** Told how many entries were looked at. */
  readonly onProgress: (done: number) => void;
}

/** What came of it; faults were told as they were found. */
export interface ArchiveExamined {
  readonly faults: number;
  /** Bodies below this index were pruned, as the log has it on record. */
  readonly pruned: number;
  /** Files of disclosures, each of which opens what it says. */
  readonly disclosures: number;
  /** That of the events; undefined if there is none that can be read. */
  readonly tenant: string | undefined;
  /** Policies that events of the log name: which anchors they had is the word of the archive. */
  readonly policies: readonly PolicyAnchors[];
  /** Chain anchors: each is of this log, and what it brings leads from its block to the root of the tree. */
  readonly anchors: number;
  readonly cosigned: Cosigned;
}

const MAX_NOTE = 1_000_000;

/** The text of the checkpoint. @throws {TrustError} MALFORMED: there is none */
export async function readCheckpointNote(archive: ArchiveReader): Promise<string> {
  const note = await archive.read('checkpoint', MAX_NOTE);
  if (note === undefined) throw new TrustError('MALFORMED', 'the archive has no checkpoint');
  return decodeUtf8(note);
}

/** What is wrong with what an archive says of itself, held against its checkpoint, which was verified. */
export function manifestFaults(
  { origin, size, root, vkey }: LogManifest,
  note: string,
  checkpoint: Checkpoint,
  crypto: CryptoProvider,
): readonly LogFault[] {
  const isOfCheckpoint =
    origin === checkpoint.origin && size === checkpoint.size && root === encodeHex(checkpoint.root);
  return [
    ...(isOfCheckpoint
      ? []
      : [{ where: MANIFEST, what: 'the checkpoint of the archive is not that of its talos-log.json' }]),
    ...(isSignedBy(vkey, note, checkpoint.origin, crypto)
      ? []
      : [{ where: MANIFEST, what: 'its vkey is not the key that signed the checkpoint' }]),
  ];
}

function isSignedBy(vkey: string, note: string, origin: string, crypto: CryptoProvider): boolean {
  try {
    verifyCheckpoint(note, { origin, keys: [createNoteVerifier(crypto, vkey)] });
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}

/** Looks at everything that an archive holds (AUD-79, AUD-81, AUD-129): cosignatures, tiles, entries, events, what opens their
 *  commitments, policies, chain anchors.
 *  What it says of itself is not believed: what was pruned is what a record of its log says (AUD-115). */
export async function examineArchive(given: ArchiveExamination): Promise<ArchiveExamined> {
  const { archive, manifest, checkpoint, crypto } = given;
  let faults = 0;
  const onFault = (fault: LogFault): void => {
    faults += 1;
    given.onFault(fault);
  };
  const cosigned = examineCosignatures(checkpoint, given.witnesses, onFault);
  const { emitters } = given;
  const whose = emitters === undefined ? {} : { emitters };
  const examiner = createEventExaminer({ crypto, origin: manifest.origin, ...whose, onFault });
  const policies = await policiesOf({ ...given, onFault });
  const disclosed = createDisclosed({ archive, crypto, onFault });
  let tenant: string | undefined;
  const isSound = await examineTiles(
    { ...given, onFault },
    {
      onRecord: () => examiner.pruned,
      onEntries: async (from, entries) => {
        const events = entries.map((entry, i) => examiner.follow(from + i, entry));
        for (const event of events) {
          tenant ??= event?.tenant;
          if (event !== undefined) policies.follow(event);
        }
        await disclosed.open(from, events);
      },
      onGone: (from) => disclosed.count(from),
    },
  );
  if (manifest.pruned > examiner.pruned) onFault(notOnRecord(manifest, examiner));
  // Where something is wrong with others, their number is too.
  if (faults === 0 && disclosed.files !== manifest.disclosures) {
    const what = `${disclosed.files} files of ${manifest.disclosures} are there`;
    onFault({ where: 'disclosure', what });
  }
  const { origin, size } = checkpoint;
  const roots = createRootReader(createTreeHasher(crypto.sha256), checkpoint, archiveTiles(archive));
  const rootAt = isSound ? roots : undefined;
  const anchors = await examineAnchors(archive, { origin, size, rootAt, onFault });
  return {
    faults,
    pruned: examiner.pruned,
    disclosures: disclosed.files,
    tenant,
    policies: policies.named(),
    anchors,
    cosigned,
  };
}

type Tree = Parameters<typeof examineTree>[0];

/** True if the tiles lead to the root, each of them. */
async function examineTiles(
  { archive, manifest, checkpoint, crypto, onFault, onProgress }: ArchiveExamination,
  followed: Required<Pick<Tree, 'onRecord' | 'onEntries' | 'onGone'>>,
): Promise<boolean> {
  let isSound = true;
  await examineTree({
    hasher: createTreeHasher(crypto.sha256),
    size: checkpoint.size,
    root: checkpoint.root,
    pruned: manifest.pruned,
    source: archiveTiles(archive),
    onFault: (fault) => {
      isSound = false;
      onFault(fault);
    },
    onProgress,
    ...followed,
  });
  return isSound;
}

function notOnRecord({ pruned }: LogManifest, examiner: EventExaminer): LogFault {
  const what = `has bodies below ${pruned} as pruned, the log has on record those below ${examiner.pruned}`;
  return { where: MANIFEST, what };
}

async function policiesOf({ archive, ...deps }: ArchiveExamination): Promise<ClaimedPolicies> {
  try {
    return claimPolicies(await readPolicies(archive), deps);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    deps.onFault({ where: POLICIES, what: `cannot be read: ${error.data.reason}` });
    return claimPolicies([], deps);
  }
}

type Values = Parameters<typeof openDisclosures>[1];
type Event = ReturnType<EventExaminer['follow']>;

interface Disclosed {
  /** Opens what is there of the events of a bundle. */
  open(from: number, events: readonly Event[]): Promise<void>;
  /** Counts the file of a bundle whose entries are not there. */
  count(from: number): Promise<void>;
  readonly files: number;
}

function createDisclosed({
  archive,
  crypto,
  onFault,
}: Pick<ArchiveExamination, 'archive' | 'crypto' | 'onFault'>): Disclosed {
  let files = 0;
  const read = async (from: number): Promise<Map<number, Values>> => {
    const values = await disclosedOf(archive, from, onFault);
    if (values.size > 0) files += 1;
    return values;
  };
  return {
    open: async (from, events) => {
      const values = await read(from);
      for (const [i, event] of events.entries()) {
        const own = values.get(from + i);
        values.delete(from + i);
        if (event === undefined || own === undefined) continue;
        told(onFault, from + i, () => openDisclosures(event, own, crypto));
      }
      for (const index of values.keys()) onFault({ where: 'disclosure', index, what: 'is of no event' });
    },
    count: async (from) => void (await read(from)),
    get files() {
      return files;
    },
  };
}

async function disclosedOf(
  archive: ArchiveReader,
  from: number,
  onFault: (fault: LogFault) => void,
): Promise<Map<number, Values>> {
  try {
    return await disclosedFrom(archive, from);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    onFault({ where: 'disclosure', index: from, what: `cannot be read: ${error.data.reason}` });
    return new Map();
  }
}

/** What opens commitments of the events of the bundle that begins there. @throws {TrustError} */
export async function disclosedFrom(archive: ArchiveReader, from: number): Promise<Map<number, Values>> {
  const list = await readDisclosures(archive, from / TILE_WIDTH);
  return new Map(list.map(({ index, disclosures }) => [index, disclosures]));
}

function told(onFault: (fault: LogFault) => void, index: number, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    onFault({ where: 'disclosure', index, what: `does not open a commitment: ${error.data.reason}` });
  }
}
