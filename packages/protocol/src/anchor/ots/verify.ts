import { sha256 } from '@noble/hashes/sha2.js';
import type { OpenTimestampsProof } from '@talosprotocol/contracts';
import { equalBytes } from '../../crypto/equal.js';
import { decodeBase64url } from '../../encoding/base64url.js';
import { decodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import type { TrustError } from '../../error.js';
import { formatCheckpoint } from '../../log/checkpoint.js';
import type { ChainTrust, KnownBlock } from '../chain-trust.js';
import { notAnchored } from '../not-anchored.js';
import type { AnchorFacts } from '../verified-anchor.js';
import { type BitcoinHeader, bitcoinHash, parseBitcoinHeader } from './bitcoin-header.js';
import { isOfSha256, parseOtsFile } from './file.js';
import { attestationsOf, type OtsTimestamp } from './timestamp.js';

/** What a timestamp of a log's head is of: SHA-256 of the text of the checkpoint, which is what `ots verify` makes of a
 *  file with that text (AUD-39). `root` has 32 bytes. */
export function otsDigest(origin: string, size: number, root: Uint8Array): Uint8Array {
  return sha256(encodeUtf8(formatCheckpoint({ origin, size, root, extensions: [] })));
}

/** Verifies that the text of the checkpoint is in a Bitcoin block that the auditor trusts (AUD-39): in the earliest of them
 *  that has it. What other attestations say counts for nothing, since anybody may add one.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function verifyOpenTimestamps(proof: OpenTimestampsProof, trust: ChainTrust): AnchorFacts {
  const timestamp = timestampOf(proof);
  const given = givenHeader(proof);
  let refusal: unknown;
  for (const attested of bitcoinBlocks(timestamp)) {
    const known = trust.blockAt('bitcoin', attested.height);
    if (known === undefined) continue;
    try {
      const { time } = headerOf(attested, known, given);
      return { kind: 'opentimestamps', chain: 'bitcoin', number: attested.height, time };
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal ?? missingBlock(timestamp);
}

/** Checks all of it but whether Bitcoin has such a block: it is of this checkpoint, names a block, and leads to the header
 *  that it brings, if it brings one.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function assertOpenTimestamps(proof: OpenTimestampsProof): void {
  const blocks = bitcoinBlocks(timestampOf(proof));
  if (blocks.length === 0) throw notAnchored('block', 'the timestamp names no Bitcoin block');
  const given = givenHeader(proof);
  if (given === undefined) return;
  const { merkleRoot } = parseBitcoinHeader(given);
  if (!blocks.some(({ message }) => equalBytes(message, merkleRoot)))
    throw notAnchored('block', 'the timestamp does not lead to the header that the proof brings');
}

function timestampOf({ ots, origin, size, root }: OpenTimestampsProof): OtsTimestamp {
  const file = parseOtsFile(decodeBase64url(ots));
  const digest = otsDigest(origin, size, decodeHex(root));
  if (isOfSha256(file) && equalBytes(file.timestamp.message, digest)) return file.timestamp;
  throw notAnchored('digest', 'the timestamp is of something else than this checkpoint');
}

function givenHeader({ header }: OpenTimestampsProof): Uint8Array | undefined {
  return header === undefined ? undefined : decodeBase64url(header);
}

interface AttestedBlock {
  readonly height: number;
  readonly message: Uint8Array;
}

function bitcoinBlocks(timestamp: OtsTimestamp): AttestedBlock[] {
  return attestationsOf(timestamp)
    .flatMap(({ attestation, message }) =>
      attestation.kind === 'bitcoin' ? [{ height: attestation.height, message }] : [],
    )
    .sort((a, b) => a.height - b.height);
}

/** The header of the block, if that has the message as its Merkle root. */
function headerOf(
  { height, message }: AttestedBlock,
  known: KnownBlock,
  given: Uint8Array | undefined,
): BitcoinHeader {
  const bytes = known.header ?? given;
  if (bytes === undefined)
    throw notAnchored(
      'block',
      `name the header of Bitcoin block ${height} in the trust file: the proof has none`,
      'put "header" (the 80 bytes in hex, as an explorer or a node of yours gives them) in place of "hash" in "blocks" of the trust file',
    );
  const header = parseBitcoinHeader(bytes);
  if (bitcoinHash(bytes) !== known.hash)
    throw notAnchored('block', `the header is not that of Bitcoin block ${height} in the trust file`);
  if (!equalBytes(message, header.merkleRoot))
    throw notAnchored('block', `Bitcoin block ${height} does not have what the timestamp leads to`);
  return header;
}

function missingBlock(timestamp: OtsTimestamp): TrustError {
  const [block] = bitcoinBlocks(timestamp);
  if (block !== undefined)
    return notAnchored(
      'block',
      `the trust file names no Bitcoin block ${block.height}`,
      `look block ${block.height} up in an explorer or a node of yours, and add { "chain": "bitcoin", "number": ${block.height}, "hash": "..." } to "blocks" of the trust file`,
    );
  const isPending = attestationsOf(timestamp).some(({ attestation }) => attestation.kind === 'pending');
  return notAnchored(
    'block',
    isPending
      ? 'the timestamp is pending: a calendar has promised it, and no block has it yet'
      : 'the timestamp names no Bitcoin block',
  );
}
