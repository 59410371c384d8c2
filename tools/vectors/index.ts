import { headersNoun, replayWindowNoun } from './admission.js';
import { authorizationDetailsNoun } from './authorization-details.js';
import { authorizeNoun, bearerNoun, revocationNoun } from './authorize.js';
import { bundleNoun } from './bundle.js';
import type { Noun } from './case.js';
import { chainNoun } from './chain.js';
import { constraintNoun, onlyNoun } from './constraint.js';
import { base64urlNoun, cursorNoun, didKeyNoun, jcsNoun, jsonNoun, timeNoun, uuidNoun } from './encoding.js';
import { eventNoun } from './event.js';
import { checkpointNoun, commitmentNoun, consistencyNoun, inclusionNoun, receiptNoun } from './evidence.js';
import { didWebNoun, didWebvhNoun } from './identity.js';
import { itemsNoun } from './items.js';
import { jwsNoun } from './jws.js';
import { issueNoun, limitsNoun, reachNoun } from './limits.js';
import { macNoun } from './mac.js';
import { nonceNoun, sessionGrantNoun } from './opening.js';
import { pinNoun } from './pin.js';
import { belowRuleNoun, feedNoun, revocationBelowNoun } from './revocation.js';
import { coversNoun, scopeNoun } from './scope.js';
import { proofNoun, requestProofNoun, sessionIdNoun, sessionKeyNoun } from './session.js';
import { messageSignatureNoun } from './signature.js';
import { deactivationNoun, jwsJcsNoun, registrationNoun, successionNoun } from './statement.js';
import { trustFileNoun } from './trust.js';
import { cosignatureNoun, splitViewNoun } from './witness.js';

/** Every noun, made anew. */
export function allNouns(): Noun[] {
  return [
    base64urlNoun(),
    jsonNoun(),
    jcsNoun(),
    timeNoun(),
    uuidNoun(),
    cursorNoun(),
    didKeyNoun(),
    didWebNoun(),
    didWebvhNoun(),
    registrationNoun(),
    successionNoun(),
    deactivationNoun(),
    jwsJcsNoun(),
    scopeNoun(),
    coversNoun(),
    constraintNoun(),
    onlyNoun(),
    itemsNoun(),
    jwsNoun(),
    chainNoun(),
    authorizeNoun(),
    limitsNoun(),
    reachNoun(),
    issueNoun(),
    authorizationDetailsNoun(),
    bearerNoun(),
    revocationNoun(),
    revocationBelowNoun(),
    belowRuleNoun(),
    feedNoun(),
    proofNoun(),
    requestProofNoun(),
    messageSignatureNoun(),
    nonceNoun(),
    sessionGrantNoun(),
    sessionIdNoun(),
    sessionKeyNoun(),
    macNoun(),
    headersNoun(),
    replayWindowNoun(),
    pinNoun(),
    commitmentNoun(),
    eventNoun(),
    inclusionNoun(),
    consistencyNoun(),
    checkpointNoun(),
    cosignatureNoun(),
    splitViewNoun(),
    receiptNoun(),
    trustFileNoun(),
    bundleNoun(),
  ];
}
