import { createChecker, MAX_TRUST_BYTES, TrustFile } from '@talosprotocol/contracts';
import { type ChainTrust, readChainTrust } from '../anchor/chain-trust.js';
import { type Anchor, type Anchors, parseAnchors } from '../capability/anchor.js';
import { equalBytes } from '../crypto/equal.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalize } from '../encoding/jcs.js';
import { parseJson } from '../encoding/json.js';
import { malformed } from '../error.js';
import type { TrustedLog } from '../log/checkpoint.js';
import { createNoteVerifier, parseVerifierKey } from '../log/note-key.js';
import { createWitnessPolicy } from '../log/witness-policy.js';

/** What an auditor decided to trust, ready to verify with (AUD-19). */
export interface Trust {
  /** By origin, with the witnesses that must have seen it. A log may appear with several keys while one is replaced. */
  readonly logs: ReadonlyMap<string, TrustedLog>;
  readonly exporters: ReadonlySet<string>;
  readonly emitters: ReadonlySet<string>;
  /** Of every policy that the file does not list. */
  readonly anchors: Anchors;
  /** Those in force under the policy with this hash (AUD-9). */
  readonly anchorsOf: (policy: string) => Anchors;
  /** Of each issuer that any policy names the anchor with the longest `bearerMax`: a chain or a revocation verifies
   *  with these exactly if it verifies with the anchors of some policy. */
  readonly all: Anchors;
  /** Blocks and contracts of chains (AUD-37). */
  readonly chains: ChainTrust;
}

const check = createChecker(TrustFile);

/** Reads a trust file. A key must be named after the log it speaks for (AUD-12).
 *  @throws {TrustError} MALFORMED */
export function parseTrustFile(bytes: Uint8Array, crypto: CryptoProvider): Trust {
  const value = parseJson(bytes, { maxBytes: MAX_TRUST_BYTES });
  const wrong = check(value);
  if (wrong !== undefined) throw malformed(`a trust file: ${wrong}`);
  const file = value as unknown as TrustFile;
  return {
    logs: readLogs(file, crypto),
    exporters: new Set(file.exporters),
    emitters: new Set(file.emitters),
    ...readAnchors(file, crypto),
    chains: readChainTrust(file.blocks, file.contracts),
  };
}

function readLogs({ logs: entries }: TrustFile, crypto: CryptoProvider): Trust['logs'] {
  const logs = new Map<string, TrustedLog>();
  for (const { origin, vkey } of entries) {
    const key = createNoteVerifier(crypto, vkey);
    if (key.name !== origin) throw malformed(`a trust file: the key of ${origin} is named ${key.name}`);
    const keys = logs.get(origin)?.keys ?? [];
    if (keys.some(({ keyId }) => keyId === key.keyId))
      throw malformed(`a trust file: a key of ${origin} stands in it twice`);
    logs.set(origin, { origin, keys: [...keys, key] });
  }
  for (const [origin, log] of logs) {
    const witnesses = readWitnesses(
      entries.filter((entry) => entry.origin === origin),
      crypto,
    );
    if (witnesses !== undefined) logs.set(origin, { ...log, witnesses });
  }
  return logs;
}

/** Of all entries of one log, which differ in their key only: whichever of the keys signed, as many have seen it. */
function readWitnesses(
  entries: TrustFile['logs'],
  crypto: CryptoProvider,
): TrustedLog['witnesses'] | undefined {
  const [{ witnesses = [], quorum = 0 } = {}, ...others] = entries;
  const stated = canonicalize([witnesses, quorum]);
  for (const other of others) {
    if (canonicalize([other.witnesses ?? [], other.quorum ?? 0]) !== stated)
      throw malformed(`a trust file: ${other.origin} has other witnesses under another key`);
  }
  const policy = createWitnessPolicy(crypto, { witnesses, quorum });
  const own = entries.map(({ vkey }) => parseVerifierKey(crypto.sha256, vkey).publicKey);
  if (policy.witnesses.some(({ publicKey }) => own.some((key) => equalBytes(key, publicKey))))
    throw malformed('a trust file: a log is its own witness');
  return witnesses.length === 0 ? undefined : policy;
}

function readAnchors(
  { anchors, policies = [] }: TrustFile,
  crypto: CryptoProvider,
): Pick<Trust, 'anchors' | 'anchorsOf' | 'all'> {
  const read = createAnchorReader(crypto);
  const others = read(anchors);
  const byPolicy = new Map(policies.map((entry) => [entry.policy, read(entry.anchors)]));
  if (byPolicy.size < policies.length) throw malformed('a trust file: a policy is listed twice');
  return {
    anchors: others,
    anchorsOf: (policy) => byPolicy.get(policy) ?? others,
    all: mostLenient([others, ...byPolicy.values()]),
  };
}

/** Equal anchors become the same object, so that a chain is verified once for all policies that agree on its anchor. */
function createAnchorReader(crypto: CryptoProvider): (values: readonly unknown[]) => Anchors {
  const known = new Map<string, Anchor>();
  return (values) => {
    const anchors = new Map<string, Anchor>();
    for (const [iss, anchor] of parseAnchors(values, crypto)) {
      const text = canonicalize(anchor.source);
      const same = known.get(text) ?? anchor;
      known.set(text, same);
      anchors.set(iss, same);
    }
    return anchors;
  };
}

function mostLenient(policies: readonly Anchors[]): Anchors {
  const all = new Map<string, Anchor>();
  for (const [iss, anchor] of policies.flatMap((anchors) => [...anchors])) {
    const longest = all.get(iss)?.bearerMax ?? Number.NEGATIVE_INFINITY;
    if (anchor.bearerMax > longest) all.set(iss, anchor);
  }
  return all;
}
