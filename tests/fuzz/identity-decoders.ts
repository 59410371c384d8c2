import { isDeepStrictEqual } from 'node:util';
import { inflateSync } from 'node:zlib';
import {
  decodeStatusList,
  didWebUrl,
  encodeDidKey,
  encodeMultikey,
  fromAuthorizationDetails,
  type JsonObject,
  type JsonValue,
  parseDidDocument,
  parseDidKey,
  parseJcs,
  parseJson,
  parseJsonObject,
  parseMultikey,
  parseRevocation,
  parseRevocationBelow,
  parseWebvhDid,
  toAuthorizationDetails,
  verifyWebvhLog,
  webvhLogUrl,
  witnessWebvhLog,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { key, NOW, newLog } from '../../packages/protocol/src/identity/webvh/testing/logs.js';
import { forge } from '../hostile/forge.js';
import { kindsOf, PARTIES } from '../hostile/kinds.js';
import { bytes, type Decoder, jws, members, same, text, vectors } from './decoder.js';

const crypto = createNodeCrypto();
const DID = 'did:web:org.example';
const MULTIKEY = 'z6MkjV5rb9rkJrjqL7V911KMwTExyc5mHNQBBnbfUqBLVeBG';
const METHOD = { id: '#k', type: 'Multikey', controller: DID, publicKeyMultibase: MULTIKEY };
const JWK = { kty: 'OKP', crv: 'Ed25519', x: 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg' };
const DOCUMENTS = [
  { id: DID, verificationMethod: [METHOD], authentication: ['#k'], capabilityDelegation: [`${DID}#k`] },
  {
    id: DID,
    verificationMethod: [{ ...METHOD, type: 'JsonWebKey2020', publicKeyJwk: JWK }],
    assertionMethod: ['#k'],
  },
  { id: DID, authentication: [METHOD], service: [{ id: '#s', serviceEndpoint: 1.5 }] },
].map((one) => JSON.stringify(one));
const WITNESSED = newLog({ witness: { threshold: 1, witnesses: [key(21).did] } });
const WITNESSES = witnessWebvhLog({ log: WITNESSED }, key(21), { now: NOW, crypto });
const LIST = JSON.stringify({ bits: 1, lst: 'eNrbuRgAAhcBXQ' });
const inflate = (data: Uint8Array, maxBytes: number): Uint8Array =>
  inflateSync(data, { maxOutputLength: maxBytes });

/** A claims text, signed by the right key: what comes behind the signature is reached. */
const SIGNED: readonly Decoder[] = PARTIES.slice(0, 1).flatMap((party) =>
  kindsOf(party)
    // What waits for a resolver is a promise; the others answer at once.
    .filter(({ typ }) => !typ.startsWith('talos-cap') && !typ.startsWith('talos-revoke'))
    .map((kind) => {
      const header = JSON.stringify({ alg: 'EdDSA', typ: kind.typ });
      const others = kindsOf(party).map(({ claims }) => JSON.stringify(claims));
      return text(`claims of a ${kind.name}`, [JSON.stringify(kind.claims), ...others], (input) => {
        kind.verify(forge(header, input, party.signer), crypto);
        return undefined;
      });
    }),
);

export const IDENTITIES: readonly Decoder[] = [
  text('did:key', members('did-key', 'did'), (input) => same(encodeDidKey(parseDidKey(input)), input)),
  text('multikey', [MULTIKEY], (input) => same(encodeMultikey(parseMultikey(input)), input)),
  text('did:web', members('did-web', 'did'), (input) => {
    const url = new URL(didWebUrl(input));
    return url.protocol === 'https:' && url.username === '' ? undefined : `leads to ${url}`;
  }),
  text('did:webvh', members('did-webvh', 'did'), (input) => {
    const url = new URL(webvhLogUrl(input));
    parseWebvhDid(input);
    return url.protocol === 'https:' && url.username === '' ? undefined : `leads to ${url}`;
  }),
  bytes('DID document', DOCUMENTS, (input) => {
    const { did, keys } = parseDidDocument(input, DID);
    const isOurs = keys.every(({ kid, publicKey }) => kid.startsWith(`${DID}#`) && publicKey.length === 32);
    return did === DID && isOurs ? undefined : 'has keys of somebody else';
  }),
  bytes('did:webvh log', [Buffer.from(newLog()).toString()], (input) => {
    verifyWebvhLog({ log: input }, { now: NOW, crypto });
    return undefined;
  }),
  bytes('did:webvh witness proofs', [Buffer.from(WITNESSES).toString()], (input) => {
    verifyWebvhLog({ log: WITNESSED, witness: input }, { now: NOW, crypto });
    return undefined;
  }),
  jws('revocation', members('revocation', 'revocation'), (input) => {
    parseRevocation(input, crypto);
    return undefined;
  }),
  jws('revocation below', members('revocation-below', 'revocation'), (input) => {
    parseRevocationBelow(input, crypto);
    return undefined;
  }),
  text('authorization details', members('authorization-details', 'details'), (input) => {
    const grants = fromAuthorizationDetails(parseJson(input, { floats: true }), crypto);
    const again = fromAuthorizationDetails(toAuthorizationDetails(grants) as JsonValue, crypto);
    return isDeepStrictEqual(again, grants) ? undefined : 'is another after it was written';
  }),
  text('status list', [LIST], (input) => {
    const list = decodeStatusList(parseJson(input), inflate);
    return list.bytes.length <= 1_048_576 && list.get(list.size - 1) < 2 ** list.bits
      ? undefined
      : 'is too large';
  }),
  text(
    'JWS over JCS',
    vectors('jws-jcs').map((one) => JSON.stringify(one)),
    (input) => {
      const { object, signature } = parseJsonObject(input);
      if (typeof object !== 'object' || object === null || Array.isArray(object)) return 'refused';
      parseJcs(object as JsonObject, signature, 'JOSE');
      return undefined;
    },
  ),
  ...SIGNED,
];
