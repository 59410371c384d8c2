import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { PolicyDocument } from '@talosprotocol/contracts';
import {
  type Anchors,
  type CryptoProvider,
  canonicalize,
  parseAnchors,
  TrustError,
} from '@talosprotocol/protocol';
import { findPolicyFaults } from './policy-schema.js';
import { type PolicyFault, parsePolicyText } from './policy-text.js';
import { resolveVariables, type Variables } from './policy-variables.js';

/** The policy of a talos.yaml, checked as a whole. A reload makes another. */
export interface LoadedPolicy {
  /** Hex of AUD-9, over the document as written: the value of a variable, often a secret, is not in it. */
  readonly hash: string;
  /** With the variables in place. */
  readonly document: PolicyDocument;
  /** Of events about callers who proved nothing: the tenant of the first anchor, else `default`. */
  readonly defaultTenant: string;
  readonly anchors: Anchors;
}

/** What reading a policy needs. */
export interface PolicyDeps {
  /** What `${NAME}` may refer to: the environment of the process. */
  readonly variables: Variables;
  readonly crypto: CryptoProvider;
}

const MAX_BYTES = 1024 * 1024;
/** A file with more faults than this is of another kind. */
const MAX_LISTED = 50;

/** Reads the text of a policy; `name` is what messages call it.
 *  @throws {TrustError} SETTINGS_INVALID that names every fault with line, column and member */
export function parsePolicy(text: string, name: string, deps: PolicyDeps): LoadedPolicy {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`${name} is larger than 1 MiB`, SMALLER);
  const source = parsePolicyText(text);
  const faults: PolicyFault[] = [...source.faults];
  const report = (path: readonly string[], message: string): void => {
    faults.push(source.faultAt(path, message));
  };
  const resolved = resolveVariables(source.value, deps.variables, report);
  if (source.value !== undefined) {
    for (const { path, message } of findPolicyFaults(resolved, deps.crypto)) report(path, message);
  }
  if (faults.length > 0) throw invalid(describe(name, faults), source.value === undefined ? SYNTAX : SCHEMA);
  const document = resolved as PolicyDocument;
  return {
    hash: hashPolicy(source.value),
    document,
    defaultTenant: document.anchors?.[0]?.tenant ?? 'default',
    anchors: parseAnchors(document.anchors ?? [], deps.crypto),
  };
}

const SMALLER = 'check that it is the file you mean';
const SYNTAX = 'mend the line: before it is YAML nothing else of the file can be checked';
const SCHEMA = 'mend the members that are named; packages/contracts/schemas describes them';

function hashPolicy(written: unknown): string {
  return createHash('sha256').update(canonicalize(written)).digest('hex');
}

function describe(name: string, faults: readonly PolicyFault[]): string {
  const sorted = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.map(
    ({ line, column, pointer, message }) => `${name}:${line}:${column} ${pointer || '(document)'} ${message}`,
  );
  const shown = [...new Set(lines)];
  const rest = shown.length > MAX_LISTED ? [`and ${shown.length - MAX_LISTED} more`] : [];
  return [...shown.slice(0, MAX_LISTED), ...rest].join('; ');
}

function invalid(fault: string, hint: string, cause?: unknown): TrustError {
  return new TrustError('SETTINGS_INVALID', fault, { hint }, cause);
}

/** Reads a talos.yaml. @throws {TrustError} SETTINGS_INVALID */
export async function readPolicyFile(path: string, deps: PolicyDeps): Promise<LoadedPolicy> {
  const text = await readBounded(path).catch((error: NodeJS.ErrnoException) => {
    const hint = error.code === 'ENOENT' ? 'talos init writes one' : 'check its owner and mode';
    throw invalid(`${path} cannot be read (${error.code ?? error.message})`, hint, error);
  });
  return parsePolicy(text, path, deps);
}

/** Never more than the limit, also of a file that has no end. */
async function readBounded(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, null);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** The policy in force. */
export interface PolicyView {
  current(): LoadedPolicy;
  /** Reads the file again. On any fault the policy in force stays, and the fault is thrown. To be called by one after another.
   *  @throws {TrustError} SETTINGS_INVALID */
  reload(): Promise<LoadedPolicy>;
}

/** Opens the policy at `path`: fails if it is not sound, so that nothing starts on half a policy. */
export async function createPolicyView(options: PolicyDeps & { readonly path: string }): Promise<PolicyView> {
  const read = () => readPolicyFile(options.path, options);
  let policy = await read();
  return {
    current: () => policy,
    reload: async () => {
      policy = await read();
      return policy;
    },
  };
}
