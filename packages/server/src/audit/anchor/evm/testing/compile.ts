import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The part of solc that is used: JSON in, JSON out. */
const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string };

/** What the compiler makes of the contract. */
export interface Compiled {
  readonly abi: readonly object[];
  /** Code that creates the contract, and the code it leaves. Hex without `0x`. */
  readonly creation: string;
  readonly runtime: string;
  /** Where the first variable of the contract lies, and how a head is laid out: label, slot, offset. */
  readonly layout: readonly string[];
}

interface Output {
  readonly errors?: readonly { readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, Contract>>;
}

interface Contract {
  readonly abi: readonly object[];
  readonly evm: Record<'bytecode' | 'deployedBytecode', { readonly object: string }>;
  readonly storageLayout: {
    readonly storage: readonly Variable[];
    readonly types: Record<string, { readonly members?: readonly Variable[] }>;
  };
}

interface Variable {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
}

const FILE = 'talos-anchor.sol';

/** Compiles the contract. The settings decide its code and so its hash: no metadata, and nothing that a chain without
 *  the newest instructions would not know. */
export function compileAnchorContract(): Compiled {
  const content = readFileSync(fileURLToPath(new URL(`../${FILE}`, import.meta.url)), 'utf8');
  const input = {
    language: 'Solidity',
    sources: { [FILE]: { content } },
    settings: {
      evmVersion: 'paris',
      optimizer: { enabled: true, runs: 10_000 },
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: {
        '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'] },
      },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  const contract = output.contracts[FILE]?.['TalosAnchor'];
  if (contract === undefined || output.errors !== undefined)
    throw new Error(output.errors?.map(({ formattedMessage }) => formattedMessage).join('\n'));
  const { storage, types } = contract.storageLayout;
  const members = Object.values(types).flatMap(({ members: all = [] }) => all);
  return {
    abi: contract.abi,
    creation: contract.evm.bytecode.object,
    runtime: contract.evm.deployedBytecode.object,
    layout: [...storage, ...members].map(({ label, slot, offset }) => `${label} ${slot} ${offset}`),
  };
}
