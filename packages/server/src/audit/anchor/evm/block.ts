import { TrustError } from '@talosprotocol/protocol';
import { keccak256, toRlp } from 'viem/utils';
import { type Hex, readBytes, readMembers, readNumber, readQuantity } from './rpc-values.js';

/** A block, as far as an endpoint was asked. `baseFee` is absent on chains without EIP-1559. */
export interface EvmBlock {
  readonly number: number;
  readonly hash: Hex;
  readonly parent: Hex;
  readonly baseFee?: bigint;
  /** All members, from which the header is made. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** @throws {TrustError} UPSTREAM_FAILED */
export function readBlock(value: unknown): EvmBlock {
  const members = readMembers(value, 'block');
  const { number, hash, parentHash, baseFeePerGas } = members;
  return {
    number: readNumber(number, 'number of a block'),
    hash: readBytes(hash, 'hash of a block', 32),
    parent: readBytes(parentHash, 'hash of a parent block', 32),
    ...(baseFeePerGas === undefined ? {} : { baseFee: readQuantity(baseFeePerGas, 'base fee') }),
    members,
  };
}

type Kind = 'bytes' | 'quantity';

/** The fields of a header in their order (Ethereum Yellow Paper, section 4.3), and those that later forks put behind them. */
const FIELDS: readonly (readonly [name: string, kind: Kind])[] = [
  ['parentHash', 'bytes'],
  ['sha3Uncles', 'bytes'],
  ['miner', 'bytes'],
  ['stateRoot', 'bytes'],
  ['transactionsRoot', 'bytes'],
  ['receiptsRoot', 'bytes'],
  ['logsBloom', 'bytes'],
  ['difficulty', 'quantity'],
  ['number', 'quantity'],
  ['gasLimit', 'quantity'],
  ['gasUsed', 'quantity'],
  ['timestamp', 'quantity'],
  ['extraData', 'bytes'],
  ['mixHash', 'bytes'],
  ['nonce', 'bytes'],
  ['baseFeePerGas', 'quantity'],
  ['withdrawalsRoot', 'bytes'],
  ['blobGasUsed', 'quantity'],
  ['excessBlobGas', 'quantity'],
  ['parentBeaconBlockRoot', 'bytes'],
  ['requestsHash', 'bytes'],
];

/** The header of a block as it is hashed, made from the members that an endpoint gives.
 *  @throws {TrustError} UPSTREAM_FAILED: it does not hash to what the endpoint says, which a chain with other fields does too */
export function encodeHeader({ hash, members }: EvmBlock): Hex {
  const fields = FIELDS.filter(([name]) => members[name] !== undefined && members[name] !== null);
  const header = toRlp(
    fields.map(([name, kind]) =>
      kind === 'bytes' ? readBytes(members[name], name) : minimal(readQuantity(members[name], name)),
    ),
  );
  if (keccak256(header) === hash) return header;
  throw new TrustError(
    'UPSTREAM_FAILED',
    'the header of the block is not what the endpoint says its hash is',
    {
      hint: 'a chain whose headers have fields that Talos does not know cannot be proven offline',
    },
  );
}

function minimal(value: bigint): Hex {
  if (value === 0n) return '0x';
  const digits = value.toString(16);
  return `0x${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}
