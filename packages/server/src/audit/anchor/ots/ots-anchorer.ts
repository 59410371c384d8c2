import { type AnchorProof, MAX_OTS_ATTESTED } from '@talosprotocol/contracts';
import {
  decodeBase64url,
  decodeHex,
  encodeBase64url,
  equalBytes,
  type OtsTimestamp,
  otsDigest,
  parseBitcoinHeader,
  parseOtsFile,
  TrustError,
} from '@talosprotocol/protocol';
import type { Log } from '../../../platform/log.js';
import type { Clock, Random } from '../../../platform/system.js';
import type { AnchoredLog, Anchorer, AnchorProgress, OpenAnchor } from '../anchorer.js';
import type { BlockExplorer } from './block-explorer.js';
import { blocksIn, type Calendar, promisesIn } from './calendar.js';
import { createStamps, formatStamps, isKeepable, parseStamps, type Stamps } from './stamps.js';
import { keepPromise, makeOtsFile } from './upgrade.js';

export interface OtsSettings {
  readonly everyMs: number;
  readonly pollMs: number;
}

export interface OtsAnchorerDeps {
  readonly calendars: readonly Calendar[];
  /** Without one the word of the calendars is passed on, and whoever verifies finds out. */
  readonly explorer: BlockExplorer | undefined;
  readonly anchored: AnchoredLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Blocks come when they come: a new head does not wait until the last one has its own. */
const MAX_OPEN = 24;
/** Without an explorer: how long it is waited for calendars that have not kept their promise while others have. */
const GRACE_MS = 86_400_000;
const NONCE_BYTES = 16;

/** Anchors through calendars of OpenTimestamps: the text of the checkpoint comes into a Bitcoin block within hours. */
export function createOtsAnchorer(settings: OtsSettings, deps: OtsAnchorerDeps): Anchorer {
  const { explorer } = deps;
  return {
    place: 'opentimestamps',
    kind: 'opentimestamps',
    ...settings,
    maxOpen: MAX_OPEN,
    follow: async (anchor) => {
      const digest = otsDigest(deps.anchored.origin, anchor.size, decodeHex(anchor.root));
      const stamps =
        anchor.state === undefined
          ? createStamps(digest, deps.random(NONCE_BYTES))
          : parseStamps(anchor.state, digest);
      const faults = [...(await submitAll(deps, anchor, stamps)), ...(await findAll(deps, anchor, stamps))];
      const proven = await conclude(deps, anchor, stamps);
      // One calendar is enough: only where nothing came of any of them is it a fault.
      if (proven === undefined && stamps.of.size === 0) throw faults[0] ?? nobody();
      return proven ?? { kind: 'waiting' };
    },
    // A block with five on it is not dropped.
    holds: async () => true,
    knows: (proof) => isInBlock(explorer, proof),
    look: async () => ({ alarms: [], blind: undefined, unseen: 0 }),
  };
}

/** Whether an explorer has the header that a proof brings, at a height that its timestamp names. One without rests on the word of
 *  calendars, and so does what nobody can be asked about. */
async function isInBlock(
  explorer: BlockExplorer | undefined,
  proof: AnchorProof,
): Promise<boolean | undefined> {
  if (proof.kind !== 'opentimestamps') return false;
  if (explorer === undefined || proof.header === undefined) return undefined;
  const own = decodeBase64url(proof.header);
  const blocks = blocksIn(parseOtsFile(decodeBase64url(proof.ots)).timestamp);
  // Each costs requests. None of our own with a header has so many, so it is not worth them.
  if (blocks.length > MAX_OTS_ATTESTED) return undefined;
  let isOpen = false;
  for (const { height, message } of blocks) {
    if (!equalBytes(parseBitcoinHeader(own).merkleRoot, message)) continue;
    const header = await explorer.header(height);
    if (header !== undefined && equalBytes(header, own)) return true;
    isOpen ||= header === undefined;
  }
  return isOpen ? undefined : false;
}

function nobody(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'no calendar led to a block', {
    hint: 'name other calendars in talos.yaml',
  });
}

/** Hands the digest to the calendars that do not have it. */
async function submitAll(deps: OtsAnchorerDeps, anchor: OpenAnchor, stamps: Stamps): Promise<unknown[]> {
  const missing = deps.calendars.filter(({ url }) => !stamps.of.has(url) && !stamps.refused.has(url));
  return tryEach(deps, missing, async (calendar) => {
    const timestamp = await calendar.submit(stamps.message);
    assertReachable(deps, calendar, timestamp);
    await take(deps, anchor, stamps, calendar.url, timestamp);
  });
}

/** Keeps what a calendar made of the digest so far, unless it is too much; gives whether it did. */
async function take(
  deps: OtsAnchorerDeps,
  anchor: OpenAnchor,
  stamps: Stamps,
  url: string,
  timestamp: OtsTimestamp,
): Promise<boolean> {
  const mayKeep = isKeepable(stamps, timestamp);
  if (mayKeep) {
    stamps.of.set(url, timestamp);
    await anchor.keep(formatStamps(stamps));
  } else await refuse(deps, anchor, stamps, url, 'a calendar answers more than a proof can hold');
  return mayKeep;
}

/** Throws a timestamp away with its calendar. */
async function refuse(
  { log }: OtsAnchorerDeps,
  anchor: OpenAnchor,
  stamps: Stamps,
  url: string,
  why: string,
): Promise<void> {
  log.warn(why, { host: url });
  stamps.of.delete(url);
  stamps.refused.add(url);
  await anchor.keep(formatStamps(stamps));
}

/** A promise of a place that we would not ask is of no use. */
function assertReachable({ calendars }: OtsAnchorerDeps, { url }: Calendar, timestamp: OtsTimestamp): void {
  const promises = promisesIn(timestamp);
  if (
    blocksIn(timestamp).length > 0 ||
    promises.some((promise) => calendars.some((one) => one.url === promise.calendar))
  )
    return;
  throw new TrustError('UPSTREAM_FAILED', `${url} promises nothing, or in the name of another calendar`, {
    hint: `name the calendars themselves in talos.yaml, not a pool of them${promises[0] === undefined ? '' : `: ${promises[0].calendar}`}`,
  });
}

/** Asks what came of the promises. */
async function findAll(deps: OtsAnchorerDeps, anchor: OpenAnchor, stamps: Stamps): Promise<unknown[]> {
  const waiting = [...stamps.of].filter(([, timestamp]) => blocksIn(timestamp).length === 0);
  return tryEach(deps, waiting, async ([url, timestamp]) => {
    for (const { calendar, message } of promisesIn(timestamp)) {
      const found = await deps.calendars.find((one) => one.url === calendar)?.find(message);
      if (found === undefined) continue;
      const kept = keepPromise(stamps.of.get(url) ?? timestamp, found);
      if (!(await take(deps, anchor, stamps, url, kept))) break;
    }
  });
}

/** What fails with one does not keep the others; gives the faults. */
async function tryEach<T>(
  { log }: OtsAnchorerDeps,
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<unknown[]> {
  const faults: unknown[] = [];
  for (const one of all) {
    await work(one).catch((err: unknown) => {
      log.debug('a calendar is tried again later', { err });
      faults.push(err);
    });
  }
  return faults;
}

async function conclude(
  deps: OtsAnchorerDeps,
  anchor: OpenAnchor,
  stamps: Stamps,
): Promise<AnchorProgress | undefined> {
  const { explorer, clock, calendars } = deps;
  const complete = [...stamps.of].filter(([, timestamp]) => blocksIn(timestamp).length > 0);
  const [first] = complete;
  if (first === undefined) return undefined;
  if (explorer !== undefined) return checkAll(deps, explorer, anchor, stamps);
  const isAll = complete.length + stamps.refused.size === calendars.length;
  if (!isAll && clock.now() - anchor.begunMs < GRACE_MS) return undefined;
  const timestamps = complete.map(([, timestamp]) => timestamp);
  return proven(deps, anchor, makeOtsFile(stamps, timestamps));
}

/** With an explorer: the first timestamp whose block has it is the proof. One that leads to a block which does not have it
 *  is thrown away with its calendar. */
async function checkAll(
  deps: OtsAnchorerDeps,
  explorer: BlockExplorer,
  anchor: OpenAnchor,
  stamps: Stamps,
): Promise<AnchorProgress | undefined> {
  for (const [url, timestamp] of stamps.of) {
    for (const { height, message } of blocksIn(timestamp)) {
      const header = await explorer.header(height);
      if (header === undefined) continue;
      if (equalBytes(parseBitcoinHeader(header).merkleRoot, message))
        return proven(deps, anchor, makeOtsFile(stamps, [timestamp]), header);
      await refuse(
        deps,
        anchor,
        stamps,
        url,
        'a calendar named a block that does not have what was handed in',
      );
      break;
    }
  }
  return undefined;
}

function proven(
  { anchored }: OtsAnchorerDeps,
  { size, root }: OpenAnchor,
  file: Uint8Array,
  header?: Uint8Array,
): AnchorProgress {
  const proof: AnchorProof = {
    kind: 'opentimestamps',
    origin: anchored.origin,
    size,
    root,
    ots: encodeBase64url(file),
    ...(header === undefined ? {} : { header: encodeBase64url(header) }),
  };
  return { kind: 'proven', proof };
}
