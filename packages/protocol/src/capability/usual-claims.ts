import type { JsonObject, JsonValue } from '../encoding/json.js';

const DID_KEY = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;
const JTI = /^[A-Za-z0-9_-]{1,64}$/;
const HASH = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const SCOPE = /^(?:tool|llm|a2a|admin):[!-~]{1,1020}$/;
const LAST_SECOND = 253_402_300_799;
const MAX_GRANTS = 128;
const MAX_DLG = 7;
/** `iss`, `sub`, `jti`, `iat`, `exp`, `grants` */
const REQUIRED = 6;
/** Text of so many units is below 256 bytes of UTF-8, whatever it says. */
const SHORT = 85;

/** True for claims of the most usual kind, all of which the schema accepts (CAP-1): names that are `did:key`, one
 *  audience, grants without conditions, no limits. False says nothing: ask the schema, which takes three times as long
 *  because it can also say what is wrong. */
export function isUsualClaims(claims: JsonObject): boolean {
  const { iss, sub, jti, iat, exp, grants } = claims;
  return (
    hasUsualOptions(claims) &&
    isWithin(iat, LAST_SECOND) &&
    isWithin(exp, LAST_SECOND) &&
    matches(DID_KEY, iss) &&
    matches(DID_KEY, sub) &&
    matches(JTI, jti) &&
    areUsualGrants(grants)
  );
}

/** Counts the members, so that none is left over. */
function hasUsualOptions(claims: JsonObject): boolean {
  const { aud, dlg, nbf, prn, par_hash } = claims;
  let members = REQUIRED;
  if (isUsualAudience(aud)) members++;
  if (isWithin(dlg, MAX_DLG)) members++;
  if (isWithin(nbf, LAST_SECOND)) members++;
  if (isShort(prn)) members++;
  if (matches(HASH, par_hash)) members++;
  return Object.keys(claims).length === members;
}

function isUsualAudience(aud: JsonValue | undefined): boolean {
  return Array.isArray(aud) && aud.length === 1 && matches(DID_KEY, aud[0]);
}

function areUsualGrants(grants: JsonValue | undefined): boolean {
  if (!Array.isArray(grants) || grants.length < 1 || grants.length > MAX_GRANTS) return false;
  for (let i = 0; i < grants.length; i++) if (!isUsualGrant(grants[i] as JsonValue)) return false;
  return true;
}

function isUsualGrant(grant: JsonValue): boolean {
  if (typeof grant !== 'object' || grant === null || Array.isArray(grant)) return false;
  const { scope, ops } = grant as JsonObject;
  return Object.keys(grant).length === 2 && matches(SCOPE, scope) && areOps(ops);
}

function areOps(ops: JsonValue | undefined): boolean {
  if (!Array.isArray(ops) || ops.length < 1 || ops.length > 2) return false;
  const [first, second] = ops;
  if (first !== 'read' && first !== 'write') return false;
  return ops.length === 1 || (second !== first && (second === 'read' || second === 'write'));
}

function isWithin(value: JsonValue | undefined, maximum: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maximum;
}

function isShort(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && value !== '' && value.length <= SHORT;
}

function matches(pattern: RegExp, value: JsonValue | undefined): boolean {
  return typeof value === 'string' && pattern.test(value);
}
