import { CHAIN_LIMITS, createChecker, type Limit, TrustAnchor } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { malformed } from '../error.js';
import { parseDidKey } from '../identity/did-key.js';
import { type CompiledGrant, compileGrant } from './grant.js';

/** A trust anchor ready to be decided with: link zero of every chain whose root it issued (CAP-6). */
export interface Anchor {
  readonly iss: string;
  readonly tenant: string;
  readonly grants: readonly CompiledGrant[];
  readonly limits: readonly Limit[];
  /** Longest life of a bearer link in seconds; 0 allows none. */
  readonly bearerMax: number;
  readonly source: TrustAnchor;
  /** The key that `iss` is; absent if that has to be resolved. */
  readonly publicKey?: Uint8Array;
}

/** The anchors in force, by `iss`. */
export type Anchors = ReadonlyMap<string, Anchor>;

const check = createChecker(TrustAnchor);

/** Reads one trust anchor.
 *  @throws {TrustError} MALFORMED */
export function parseAnchor(value: unknown, crypto: CryptoProvider): Anchor {
  const fault = check(value);
  if (fault !== undefined) throw malformed(`a trust anchor: ${fault}`);
  const source = value as TrustAnchor;
  return {
    iss: source.iss,
    tenant: source.tenant,
    grants: source.grants.map((grant) => compileGrant(grant, crypto)),
    limits: source.limits ?? [],
    bearerMax: source.bearerMax ?? CHAIN_LIMITS.bearerSeconds,
    source,
    ...publicKeyOf(source.iss),
  };
}

/** A `did:key` that holds no key refuses the chains below it, not the policy. */
function publicKeyOf(iss: string): Pick<Anchor, 'publicKey'> {
  try {
    return { publicKey: parseDidKey(iss) };
  } catch {
    return {};
  }
}

/** Reads all trust anchors of a policy or a trust file, at most one per `iss`.
 *  @throws {TrustError} MALFORMED */
export function parseAnchors(values: readonly unknown[], crypto: CryptoProvider): Anchors {
  const anchors = new Map<string, Anchor>();
  for (const value of values) {
    const anchor = parseAnchor(value, crypto);
    if (anchors.has(anchor.iss)) throw malformed('two trust anchors of one issuer');
    anchors.set(anchor.iss, anchor);
  }
  return anchors;
}
