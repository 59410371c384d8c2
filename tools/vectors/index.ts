import { authorizeNoun, bearerNoun, revocationNoun } from './authorize.js';
import { bundleNoun } from './bundle.js';
import type { Noun } from './case.js';
import { chainNoun } from './chain.js';
import { constraintNoun, onlyNoun } from './constraint.js';
import { base64urlNoun, cursorNoun, didKeyNoun, jcsNoun, jsonNoun, timeNoun, uuidNoun } from './encoding.js';
import {
  checkpointNoun,
  commitmentNoun,
  consistencyNoun,
  eventNoun,
  inclusionNoun,
  receiptNoun,
} from './evidence.js';
import { itemsNoun } from './items.js';
import { jwsNoun } from './jws.js';
import { macNoun } from './mac.js';
import { pinNoun } from './pin.js';
import { coversNoun, scopeNoun } from './scope.js';
import { proofNoun, sessionIdNoun, sessionKeyNoun } from './session.js';

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
    scopeNoun(),
    coversNoun(),
    constraintNoun(),
    onlyNoun(),
    itemsNoun(),
    jwsNoun(),
    chainNoun(),
    authorizeNoun(),
    bearerNoun(),
    revocationNoun(),
    proofNoun(),
    sessionIdNoun(),
    sessionKeyNoun(),
    macNoun(),
    pinNoun(),
    commitmentNoun(),
    eventNoun(),
    inclusionNoun(),
    consistencyNoun(),
    checkpointNoun(),
    receiptNoun(),
    bundleNoun(),
  ];
}
