import type { EvmAnchorProof, TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../encoding/base64url.js';
import { decodeHex } from '../../encoding/hex.js';
import { isTrustError } from '../../error.js';
import { anchorPlace, assertAnchorProof, parseAnchorProof, verifyAnchor } from '../anchor.js';
import { readChainTrust } from '../chain-trust.js';
import { type AnchoredLog, proveAnchored, type TestBlock, trustOf } from '../testing/evm-chain.js';
import { encodeRlp, scalar } from '../testing/rlp.js';
import { headSlots } from './contract.js';
import { parseEvmHeader } from './header.js';

const block: TestBlock = {
  chain: 'eip155:31337',
  contract: `0x${'c0'.repeat(20)}`,
  number: 4_711,
  time: 1_790_000_000,
};
const log: AnchoredLog = {
  origin: 'talos.test/log/default',
  anchorer: `0x${'a1'.repeat(20)}`,
  size: 1_000,
  root: `00${'5e'.repeat(31)}`,
};
/** Others write to the same contract: another log of the same anchorer, and the same origin by somebody else. */
const otherOrigin = { ...log, origin: 'talos.test/log/other', size: 9_000, root: '77'.repeat(32) };
const squatter = { ...log, anchorer: `0x${'b2'.repeat(20)}`, size: 2 ** 50, root: '66'.repeat(32) };
const proof = proveAnchored(block, [log, otherOrigin, squatter]);
const trust = trustOf(proof);

const verify = (wanted: EvmAnchorProof, file: Pick<TrustFile, 'blocks' | 'contracts'> = trust) =>
  verifyAnchor(parseAnchorProof(wanted), readChainTrust(file.blocks, file.contracts));
const refusal = (check: string, reason: string) =>
  expect.objectContaining({
    code: 'PROOF_NOT_PROVEN',
    data: expect.objectContaining({ caveat: `anchor ${check}`, reason: expect.stringContaining(reason) }),
  });

describe('an anchor on an EVM chain (AUD-36, AUD-38)', () => {
  it('proves that a trusted block held size and root of the log', () => {
    expect(verify(proof)).toEqual({
      kind: 'evm',
      chain: 'eip155:31337',
      number: 4_711,
      time: 1_790_000_000,
      origin: log.origin,
      size: 1_000,
      root: decodeHex(log.root),
    });
  });

  it('takes addresses of the trust file in any case (AUD-37)', () => {
    const [contract] = trust.contracts;
    const address = `0x${proof.contract.slice(2).toUpperCase()}`;
    expect(verify(proof, { ...trust, contracts: [{ ...contract!, address }] }).size).toBe(1_000);
  });

  it.each([
    ['a foreign anchorer', { anchorer: squatter.anchorer }, 'does not name'],
    ['another contract', { contract: `0x${'c1'.repeat(20)}` }, 'does not name'],
    ['another origin', { origin: otherOrigin.origin }, `names no contract on ${block.chain} for`],
    ['another chain', { chain: 'eip155:1' }, `names no contract on eip155:1 for ${log.origin}`],
  ])('refuses %s than the trust file names', (_, changes, reason) => {
    expect(() => verify({ ...proof, ...changes })).toThrow(refusal('contract', reason));
  });

  it('says what the trust file lacks, and repeats no address of the proof (AUD-37)', () => {
    const hintOf = (file: Pick<TrustFile, 'blocks' | 'contracts'>): string => {
      try {
        verify(proof, file);
      } catch (error) {
        if (isTrustError(error)) return error.data.hint ?? '';
      }
      return '';
    };
    const contract = hintOf({ blocks: trust.blocks });
    expect(contract).toContain(`"chain": "${block.chain}"`);
    expect(contract).toMatch(/to "contracts" of the trust file; .* talos audit export --trust-out/);
    for (const address of [block.contract, log.anchorer]) expect(contract).not.toContain(address);
    const looked = hintOf({ contracts: trust.contracts });
    expect(looked).toMatch(/^look block 4711 up .* "number": 4711, .* to "blocks" of the trust file/);
    expect(looked).not.toContain(proof.block.hash);
  });

  it('refuses what a squatter wrote under the same origin, even called that of the right anchorer', () => {
    const theirs = proveAnchored(block, [squatter, log]);
    const claimed = { ...theirs, anchorer: log.anchorer };
    expect(() => verify(claimed, trustOf(claimed))).toThrow(refusal('trie', ''));
  });

  it('refuses a block that the trust file does not name, or knows as another one', () => {
    expect(() => verify(proof, { ...trust, blocks: [] })).toThrow(refusal('block', 'names no block 4711'));
    const wrongChain = [{ ...trust.blocks[0]!, chain: 'eip155:1' }] as typeof trust.blocks;
    expect(() => verify(proof, { ...trust, blocks: wrongChain })).toThrow(refusal('block', 'names no block'));
    const fork = [{ chain: block.chain, number: 4_711, hash: `0x${'00'.repeat(32)}` }];
    expect(() => verify(proof, { ...trust, blocks: fork })).toThrow(refusal('block', 'is another one'));
  });

  it('refuses a header that is not the one of the block it names', () => {
    const other = proveAnchored({ ...block, time: block.time - 86_400 }, [log]);
    const swapped = { ...proof, block: { ...proof.block, header: other.block.header } };
    expect(() => verify(swapped)).toThrow(refusal('block', 'not that of the block'));
    const renumbered = { ...proof, block: { ...proof.block, number: 4_710 } };
    expect(() => verify(renumbered)).toThrow(refusal('block', 'not that of the block'));
  });

  // AUD-129
  it('holds by itself if it leads from the header that it brings to the head, whoever made that up', () => {
    expect(() => assertAnchorProof(proof)).not.toThrow();
    expect(anchorPlace(proof)).toBe(`evm eip155:31337 ${block.contract} ${log.anchorer}`);
    const renumbered = { ...proof, block: { ...proof.block, number: 4_710 } };
    expect(() => assertAnchorProof(renumbered)).toThrow(refusal('block', 'not that of the block'));
    const hash = `0x${'00'.repeat(32)}`;
    expect(() => assertAnchorProof({ ...proof, block: { ...proof.block, hash } })).toThrow(
      refusal('block', 'not that of the block'),
    );
    expect(() => assertAnchorProof({ ...proof, size: 999 })).toThrow(refusal('size', 'holds size 1000'));
    expect(() => assertAnchorProof({ ...proof, root: '5e'.repeat(32) })).toThrow(refusal('root', 'another'));
    expect(() => assertAnchorProof({ ...proof, anchorer: squatter.anchorer })).toThrow(refusal('trie', ''));
  });

  it('refuses every size and root but those of the state', () => {
    expect(() => verify({ ...proof, size: 999 })).toThrow(refusal('size', 'holds size 1000 and not 999'));
    expect(() => verify({ ...proof, size: 1_001 })).toThrow(refusal('size', 'holds size 1000'));
    expect(() => verify({ ...proof, root: '5e'.repeat(32) })).toThrow(refusal('root', 'another root'));
  });

  it('refuses storage proofs of other slots, other contracts and other blocks', () => {
    const { headProof, rootProof } = proof;
    expect(() => verify({ ...proof, headProof: rootProof })).toThrow(refusal('trie', ''));
    expect(() => verify({ ...proof, rootProof: headProof })).toThrow(refusal('trie', ''));
    const other = proveAnchored(block, [otherOrigin, log, squatter]);
    expect(() => verify({ ...proof, headProof: other.headProof })).toThrow(refusal('trie', ''));
    const elsewhere = proveAnchored({ ...block, contract: `0x${'c1'.repeat(20)}` }, [log, otherOrigin]);
    expect(() => verify({ ...proof, accountProof: elsewhere.accountProof })).toThrow(refusal('trie', ''));
    const grown = proveAnchored(block, [{ ...log, size: 2_000 }]);
    const { accountProof } = grown;
    expect(() => verify({ ...grown, block: proof.block, accountProof })).toThrow(refusal('trie', ''));
  });

  it('refuses a contract with another code: what it holds follows other rules', () => {
    const lax = proveAnchored({ ...block, codeHash: '11'.repeat(32) }, [log]);
    expect(() => verify(lax, trustOf(lax))).toThrow(refusal('contract', 'not that of the anchor contract'));
  });

  it.each([
    ['not registered', (size: number) => BigInt(size)],
    ['with more in the slot', (size: number) => (1n << 72n) | (1n << 64n) | BigInt(size)],
    ['with another flag', (size: number) => (2n << 64n) | BigInt(size)],
  ])('refuses a head that is %s', (_, headWord) => {
    const odd = proveAnchored({ ...block, headWord }, [log]);
    expect(() => verify(odd, trustOf(odd))).toThrow(refusal('size', 'something else'));
  });

  it('finds the slot of the root behind that of the head, over a carry', () => {
    const origins = Array.from({ length: 2_000 }, (_, i) => `talos.test/${i}`);
    const origin = origins.find((one) => headSlots(one, log.anchorer).head[31] === 0xff);
    const slots = headSlots(origin!, log.anchorer);
    const next = (BigInt(`0x${Buffer.from(slots.head).toString('hex')}`) + 1n).toString(16).padStart(64, '0');
    expect(Buffer.from(slots.root).toString('hex')).toBe(next);
  });

  it('refuses a state whose account or words are none', () => {
    const anew = (headWord: (size: number) => bigint) => proveAnchored({ ...block, headWord }, [log]);
    const long = anew(() => 1n << 256n);
    expect(() => verify(long, trustOf(long))).toThrow('no word');
    const header = decodeBase64url(proof.block.header);
    const cut = { ...proof, block: { ...proof.block, header: encodeBase64url(header.subarray(0, -1)) } };
    expect(() => verify(cut)).toThrow('malformed');
  });

  it('refuses an account that is none, and a header of more than 8,192 bytes', () => {
    for (const account of [
      encodeRlp([new Uint8Array(1)]),
      encodeRlp([scalar(1), scalar(0), scalar(1), scalar(1)]),
    ]) {
      const odd = proveAnchored({ ...block, account }, [log]);
      expect(() => verify(odd, trustOf(odd))).toThrow('an account that is none');
    }
    expect(() => parseEvmHeader(new Uint8Array(8_193))).toThrow('too large');
  });

  it.each([
    ['of too few fields', () => encodeRlp([new Uint8Array(32)])],
    ['whose root of the state is none', () => encodeRlp(Array.from({ length: 16 }, () => new Uint8Array(1)))],
    ['with a list inside', () => encodeRlp([[new Uint8Array(32)]])],
  ])('refuses a header %s', (_, header) => {
    const odd = { ...proof, block: { ...proof.block, header: encodeBase64url(header()) } };
    expect(() => verify(odd)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it.each([
    ['an unknown kind', { kind: 'solana' }],
    ['size 0', { size: 0 }],
    ['a member that is not known', { extra: 1 }],
    ['an address in upper case', { contract: `0x${'C0'.repeat(20)}` }],
    ['65 nodes', { headProof: Array.from({ length: 65 }, () => 'AAAA') }],
    ['no node', { headProof: [] }],
    ['a node that is too large', { headProof: ['A'.repeat(1_400)] }],
    ['a header that is too large', { block: { ...proof.block, header: 'A'.repeat(11_000) } }],
  ])('is malformed with %s', (_, changes) => {
    expect(() => parseAnchorProof({ ...proof, ...changes })).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });
});

describe('blocks and contracts of a trust file (AUD-37)', () => {
  it('names each block of a chain once', () => {
    const [first] = trust.blocks;
    expect(() => readChainTrust([first!, first!])).toThrow('listed twice');
    const elsewhere = { ...first!, chain: 'eip155:1' } as typeof first;
    expect(readChainTrust([first!, elsewhere!]).blockAt('eip155:1', 4_711)?.hash).toBe(proof.block.hash);
  });

  it('trusts nothing without them', () => {
    expect(() => verifyAnchor(proof, readChainTrust())).toThrow(refusal('contract', 'names no contract'));
  });
});
