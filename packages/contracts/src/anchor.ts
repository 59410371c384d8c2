import { type Static, Type } from 'typebox';
import { ascii, CLOSED, Count, HexHash, LogOrigin, Positive } from './primitive.js';

/** A chain of the Ethereum kind by its chain id, as CAIP-2 writes it: `eip155:1`. */
export const EvmChain = ascii('^eip155:[1-9][0-9]{0,15}$', 23, 'EVM chain, CAIP-2');

/** An address of an EVM chain in lowercase. */
export const EvmAddress = ascii('^0x[0-9a-f]{40}$', 42, 'EVM address, lowercase');

/** Hash of a block of an EVM chain, as explorers show it. */
export const EvmBlockHash = ascii('^0x[0-9a-f]{64}$', 66, 'hash of an EVM block');

/** Bytes in base64url; what they are is checked by who reads them. */
const bytes = (maxBytes: number, description: string) =>
  ascii('^[A-Za-z0-9_-]{2,}$', Math.ceil((maxBytes * 4) / 3), description);

/** Largest header of an EVM block in bytes (AUD-38). */
export const MAX_EVM_HEADER = 8_192;

/** Largest node of a Merkle-Patricia trie in bytes (AUD-38). */
export const MAX_TRIE_NODE = 1_024;

/** Largest `.ots` file in bytes (AUD-39). */
export const MAX_OTS_BYTES = 16_384;

/** Most promises, and most Bitcoin blocks, in a timestamp that is followed up (AUD-43): each costs requests. An honest calendar
 *  gives one or two. */
export const MAX_OTS_ATTESTED = 8;

/** From the root of a trie down; a path has at most 64 steps. */
const trieProof = Type.Array(bytes(MAX_TRIE_NODE, 'node of a trie, RLP'), { minItems: 1, maxItems: 64 });

const claim = { origin: LogOrigin, size: Positive, root: HexHash };

/** Proves that a contract on an EVM chain held size and root of a log at a block (AUD-38). */
export const EvmAnchorProof = Type.Object(
  {
    kind: Type.Literal('evm'),
    ...claim,
    chain: EvmChain,
    contract: EvmAddress,
    anchorer: EvmAddress,
    block: Type.Object(
      { number: Count, hash: EvmBlockHash, header: bytes(MAX_EVM_HEADER, 'header of the block, RLP') },
      CLOSED,
    ),
    accountProof: trieProof,
    headProof: trieProof,
    rootProof: trieProof,
  },
  CLOSED,
);
export type EvmAnchorProof = Static<typeof EvmAnchorProof>;

/** Bytes of a header of a Bitcoin block. */
const BITCOIN_HEADER_BYTES = 80;

/** Proves that a checkpoint's text existed before a Bitcoin block (AUD-39). `header` is there if whoever made the proof
 *  had it. */
export const OpenTimestampsProof = Type.Object(
  {
    kind: Type.Literal('opentimestamps'),
    ...claim,
    ots: bytes(MAX_OTS_BYTES, 'detached timestamp, as in an .ots file'),
    header: Type.Optional(bytes(BITCOIN_HEADER_BYTES, 'header of the Bitcoin block')),
  },
  CLOSED,
);
export type OpenTimestampsProof = Static<typeof OpenTimestampsProof>;

/** Proof that a chain held the head of a log, by kind of the chain (AUD-36). */
export const AnchorProof = Type.Union([EvmAnchorProof, OpenTimestampsProof]);
export type AnchorProof = Static<typeof AnchorProof>;

/** The kinds of proofs, for checks whose message concerns the kind that was meant. */
export const ANCHOR_PROOFS = { evm: EvmAnchorProof, opentimestamps: OpenTimestampsProof } as const;

const pastedAddress = ascii('^0x[0-9a-fA-F]{40}$', 42, 'EVM address, in any case');

/** A block that an auditor looked up and trusts (AUD-37). `hash` is as explorers of the chain show it, of Bitcoin without
 *  `0x`; `header` the 80 bytes in hex. */
export const TrustedBlock = Type.Union([
  Type.Object({ chain: EvmChain, number: Count, hash: EvmBlockHash }, CLOSED),
  Type.Object({ chain: Type.Literal('bitcoin'), number: Count, hash: HexHash }, CLOSED),
  Type.Object(
    { chain: Type.Literal('bitcoin'), number: Count, header: ascii('^[0-9a-f]{160}$', 160, 'header, hex') },
    CLOSED,
  ),
]);
export type TrustedBlock = Static<typeof TrustedBlock>;

/** Where, and by whom, a log is anchored, as an auditor was told by another way than the evidence (AUD-37). */
export const TrustedContract = Type.Object(
  { chain: EvmChain, address: pastedAddress, origin: LogOrigin, anchorer: pastedAddress },
  CLOSED,
);
export type TrustedContract = Static<typeof TrustedContract>;
