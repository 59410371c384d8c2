import {
  CAPABILITY_TYP,
  type CapabilityClaims,
  type Finding,
  type Grant,
  type Limit,
  MAX_FINDINGS,
} from '@talosprotocol/contracts';
import { type Signer, signJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { TrustError } from '../error.js';
import { type ParsedChain, parseChain } from './chain.js';
import { lintGrants } from './lint.js';

/** What issuing reads from outside. */
export interface IssueDeps {
  readonly crypto: CryptoProvider;
  /** The time in Unix seconds. */
  readonly now: () => number;
  /** So many random bytes from a secure source. */
  readonly randomBytes: (length: number) => Uint8Array;
}

/** What every new link says. Times are Unix seconds. */
export interface LinkOptions {
  /** Who holds it. */
  readonly sub: string;
  readonly grants: readonly Grant[];
  readonly exp: number;
  readonly nbf?: number;
  readonly limits?: readonly Limit[];
  /** Further delegations allowed, default 0. */
  readonly dlg?: number;
  /** False: the holder may only delegate. */
  readonly invoke?: boolean;
  /** True: the link's key may be presented as a secret. */
  readonly bearer?: boolean;
  /** True: links below may say `bearer`. */
  readonly bearer_below?: boolean;
  /** Default: 16 random bytes. */
  readonly jti?: string;
}

/** What a root link says. */
export interface IssueOptions extends LinkOptions {
  /** DIDs of the gateways it is for. */
  readonly aud: readonly string[];
  /** For whom all this is done. */
  readonly prn?: string;
}

/** Issues a root link in the name of the signer: a chain of one. It is worth something where a trust anchor names
 *  the signer's DID. The result is parsed again, so that nothing is issued that a verifier would call malformed.
 *  @throws {TrustError} MALFORMED: options outside CAP-1 to CAP-12, or a grant the lint refuses (CAP-27)
 *  @example issueCapability({ sub, aud: [gateway], grants, exp: now + 3600 }, organisation, deps).chain */
export function issueCapability(options: IssueOptions, signer: Signer, deps: IssueDeps): ParsedChain {
  return parseChain(signLink(options, signer, deps), deps.crypto);
}

/** Signs one link; `more` are claims that only some links have. The chain it belongs to must be parsed next. */
export function signLink(
  options: LinkOptions,
  signer: Signer,
  deps: IssueDeps,
  more: Pick<CapabilityClaims, 'par_hash'> = {},
): string {
  refuseFindings(lintGrants(options.grants));
  const claims = {
    ...options,
    ...more,
    iss: signer.did,
    jti: options.jti ?? encodeBase64url(deps.randomBytes(16)),
    iat: deps.now(),
  };
  return signJws({ typ: CAPABILITY_TYP, claims: withoutAbsent(claims) }, signer);
}

function refuseFindings(findings: readonly Finding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  const shown = findings.slice(0, MAX_FINDINGS);
  throw new TrustError('MALFORMED', `${first.at}: ${first.what}`, { findings: shown });
}

/** Members given as undefined are absent, not present without a value. */
function withoutAbsent(claims: object): JsonObject {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
