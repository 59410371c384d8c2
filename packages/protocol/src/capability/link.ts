import {
  CAPABILITY_TYP,
  CapabilityClaims,
  CHAIN_LIMITS,
  CONSTRAINTS,
  createChecker,
  createTaggedChecker,
} from '@talosprotocol/contracts';
import { type JwsHeader, type ReadJws, readJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../encoding/json.js';
import { malformed } from '../error.js';
import { type CompiledGrant, compileGrant } from './grant.js';
import { isUsualClaims } from './usual-claims.js';

/** A link of a capability, well-formed, not verified. */
export interface ParsedLink {
  readonly header: JwsHeader;
  readonly claims: CapabilityClaims;
  /** The bytes that were signed, as received; made anew each time, for links live long and are verified once. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
  /** The compact JWS as received. */
  readonly jws: string;
  /** Identifies the link everywhere (CAP-5). */
  readonly lid: string;
  readonly grants: readonly CompiledGrant[];
}

const check = createChecker(CapabilityClaims);
const MAX_WHERE = 16;
/** As in the name of an identity: who is accountable must not look like somebody else in a record. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const checkConstraint = createTaggedChecker('op', CONSTRAINTS);

/** Reads one link: its JWS, the closed schema of its claims, what one claim asks of another, and its grants (CAP-1
 *  to CAP-3). Verifies no signature.
 *  @throws {TrustError} MALFORMED */
export function parseLink(jws: string, crypto: CryptoProvider): ParsedLink {
  const { codec } = crypto;
  const read = readJws(jws, CAPABILITY_TYP, { maxBytes: CHAIN_LIMITS.bytes, codec });
  const claims = readClaims(read.claims);
  const grants: CompiledGrant[] = [];
  for (const grant of claims.grants) grants.push(compileGrant(grant, crypto));
  return new Link(jws, crypto, read, claims, grants);
}

/** A class for the sake of its getter: an object literal with one takes much longer to make. */
class Link implements ParsedLink {
  readonly jws: string;
  readonly lid: string;
  readonly header: JwsHeader;
  readonly claims: CapabilityClaims;
  readonly grants: readonly CompiledGrant[];
  readonly signature: Uint8Array;
  readonly #signedText: string;
  readonly #crypto: CryptoProvider;

  constructor(
    jws: string,
    crypto: CryptoProvider,
    { header, signature, signedText }: ReadJws,
    claims: CapabilityClaims,
    grants: readonly CompiledGrant[],
  ) {
    this.jws = jws;
    this.lid = crypto.sha256Ascii(jws);
    this.header = header;
    this.claims = claims;
    this.grants = grants;
    this.signature = signature;
    this.#signedText = signedText;
    this.#crypto = crypto;
  }

  get signingInput(): Uint8Array {
    return this.#crypto.codec.encodeAscii(this.#signedText);
  }
}

function readClaims(members: JsonObject): CapabilityClaims {
  const fault = isUsualClaims(members) ? undefined : faultOf(members);
  if (fault !== undefined) throw malformed(`claims of a link: ${fault}`);
  const claims = members as unknown as CapabilityClaims;
  checkClaims(claims);
  return claims;
}

/** Constraints are looked at one by one, up to the first that is wrong, and then left out: to say what is wrong among
 *  all of them takes a thousand times as long as to see that something is, and anybody may ask. */
function faultOf(members: JsonObject): string | undefined {
  const { grants } = members;
  if (!Array.isArray(grants)) return check(members);
  const bare: JsonValue[] = [];
  for (const grant of grants as readonly JsonValue[]) {
    const where = isJsonObject(grant) ? grant['where'] : undefined;
    if (!isJsonObject(grant) || !Array.isArray(where)) {
      bare.push(grant);
      continue;
    }
    const fault = faultOfWhere(where);
    if (fault !== undefined) return fault;
    const { where: _, ...rest } = grant;
    bare.push(rest);
  }
  return check({ ...members, grants: bare });
}

function faultOfWhere(where: readonly JsonValue[]): string | undefined {
  if (where.length < 1 || where.length > MAX_WHERE) return `/where: must have 1 to ${MAX_WHERE} constraints`;
  for (const constraint of where) {
    const fault = checkConstraint(constraint);
    if (fault !== undefined) return `a constraint: ${fault}`;
  }
  return undefined;
}

function checkClaims(claims: CapabilityClaims): void {
  const isRoot = claims.par_hash === undefined;
  if (claims.exp <= claims.iat) throw malformed('a link with exp not above iat');
  if (isRoot && claims.exp - claims.iat > CHAIN_LIMITS.rootSeconds) {
    throw malformed('a root link that lives longer than a year');
  }
  if (!isRoot && claims.prn !== undefined) throw malformed('a link below the root with prn');
  if (UNPRINTABLE.test(claims.prn ?? '')) throw malformed('a prn that is not printable');
  if ((isRoot || claims.bearer === true) && claims.aud === undefined) {
    throw malformed('a root or bearer link without aud');
  }
}
