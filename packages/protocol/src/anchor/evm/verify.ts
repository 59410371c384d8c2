import type { EvmAnchorProof } from '@talosprotocol/contracts';
import { equalBytes } from '../../crypto/equal.js';
import { decodeBase64url } from '../../encoding/base64url.js';
import { decodeHex, encodeHex } from '../../encoding/hex.js';
import { malformed } from '../../error.js';
import type { ChainTrust } from '../chain-trust.js';
import { notAnchored } from '../not-anchored.js';
import type { AnchorFacts } from '../verified-anchor.js';
import { ANCHOR_CODE_HASHES, headSlots, readHead, readWord } from './contract.js';
import { type EvmHeader, parseEvmHeader } from './header.js';
import { decodeRlpList } from './rlp.js';
import { readTrie } from './trie.js';

/** Verifies that the state of a trusted block has size and root of the log under the anchorer that the auditor trusts
 *  (AUD-38). Offline: it follows hashes from the block's own down to the two slots.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function verifyEvmAnchor(proof: EvmAnchorProof, trust: ChainTrust): AnchorFacts {
  assertTrusted(proof, trust);
  const header = trustedHeader(proof, trust);
  verifyEvmState(proof, header);
  return { kind: 'evm', chain: proof.chain, number: header.number, time: header.time };
}

/** The hint repeats no address of the proof: whoever made the proof could have made the contract too. */
function assertTrusted(
  { chain, contract: address, origin, anchorer }: EvmAnchorProof,
  trust: ChainTrust,
): void {
  if (trust.isAnchoredBy({ chain, address, origin, anchorer })) return;
  const reason = trust.isAnchoredOn(chain, origin)
    ? `the trust file does not name ${anchorer} on ${address} of ${chain} for ${origin}`
    : `the trust file names no contract on ${chain} for ${origin}`;
  const entry = `{ "chain": "${chain}", "address": "0x...", "origin": "${origin}", "anchorer": "0x..." }`;
  throw notAnchored(
    'contract',
    reason,
    `add ${entry} to "contracts" of the trust file; whoever runs the log tells the addresses, by another way than this proof: talos audit export --trust-out writes them, talos audit anchor deploy printed them`,
  );
}

/** Checks all of it but whether there is such a block, and whether it is there that the log is anchored.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
export function assertEvmProof(proof: EvmAnchorProof): void {
  verifyEvmState(proof, ownHeader(proof));
}

function ownHeader({ block }: EvmAnchorProof): EvmHeader {
  const header = parseEvmHeader(decodeBase64url(block.header));
  if (`0x${encodeHex(header.hash)}` !== block.hash || header.number !== block.number)
    throw notAnchored('block', 'the header is not that of the block that the proof names');
  return header;
}

function trustedHeader(proof: EvmAnchorProof, trust: ChainTrust): EvmHeader {
  const header = ownHeader(proof);
  const { chain, block } = proof;
  const trusted = trust.blockAt(chain, block.number);
  if (trusted === undefined)
    throw notAnchored(
      'block',
      `the trust file names no block ${block.number} of ${chain}`,
      `look block ${block.number} up in an explorer of the chain, and add { "chain": "${chain}", "number": ${block.number}, "hash": "0x..." } to "blocks" of the trust file`,
    );
  if (trusted.hash !== block.hash)
    throw notAnchored('block', `block ${block.number} of ${chain} is another one in the trust file`);
  return header;
}

/** The part that does not ask whose word the header is: an online check trusts whom it asked for it. */
export function verifyEvmState(proof: EvmAnchorProof, { stateRoot }: Pick<EvmHeader, 'stateRoot'>): void {
  const slots = headSlots(proof.origin, proof.anchorer);
  const storage = storageRootOf(
    readTrie(stateRoot, decodeHex(proof.contract.slice(2)), nodes(proof.accountProof)),
  );
  const { registered, size } = readHead(readTrie(storage, slots.head, nodes(proof.headProof)));
  if (!registered) throw notAnchored('size', 'the contract holds something else than a head there');
  if (size !== BigInt(proof.size))
    throw notAnchored('size', `the contract holds size ${size} and not ${proof.size}`);
  const root = readWord(readTrie(storage, slots.root, nodes(proof.rootProof)));
  if (!equalBytes(root, decodeHex(proof.root)))
    throw notAnchored('root', 'the contract holds another root for this size');
}

/** An account is nonce, balance, root of its storage, and hash of its code, which must be our contract's. */
function storageRootOf(account: Uint8Array): Uint8Array {
  const [, , storageRoot, codeHash] = decodeRlpList(account, 4);
  if (storageRoot?.length !== 32 || codeHash === undefined) throw malformed('an account that is none');
  if (ANCHOR_CODE_HASHES.includes(encodeHex(codeHash))) return storageRoot;
  throw notAnchored('contract', 'the code at this address is not that of the anchor contract');
}

function nodes(proof: readonly string[]): Uint8Array[] {
  return proof.map(decodeBase64url);
}
