import { type Static, Type } from 'typebox';
import { Jti } from './capability.js';
import {
  ascii,
  Chain,
  CLOSED,
  CompactJws,
  Did,
  Hash43,
  Seconds,
  SessionId,
  Time,
  Uuidv7,
} from './primitive.js';

/** `typ` of a proof of possession (SES-2). */
export const PROOF_TYP = 'talos-pop+jwt';

/** `typ` of the gateway's answer to an opening (SES-4). */
export const SESSION_TYP = 'talos-session+jwt';

/** A nonce as the gateway gave it; opaque to everybody else (SES-1). */
export const Nonce = ascii('^[A-Za-z0-9_-]{16,128}$', 128, 'single-use nonce');

/** Answer of `POST /talos/v1/nonces` (SES-1). */
export const NonceAnswer = Type.Object({ nonce: Nonce, gateway: Did, expires: Time }, CLOSED);
export type NonceAnswer = Static<typeof NonceAnswer>;

const proven = {
  aud: Did,
  iat: Seconds,
  jti: Jti,
  htm: ascii('^[A-Z]{1,16}$', 16, 'HTTP method'),
  htu: ascii('^https?://[!-~]{1,2040}$', 2048, 'absolute URL with query'),
  cth: Hash43,
  nonce: Nonce,
};

/** Payload of the proof that opens a session (SES-2). */
export const ProofClaims = Type.Object({ ...proven, epk: Hash43 }, CLOSED);
export type ProofClaims = Static<typeof ProofClaims>;

/** Payload of the proof of one request without a session (SES-13): `bh` is the hash of its body, `hh` that of the
 *  headers admission reads. It has no `epk`, so that neither kind can be taken for the other. */
export const RequestProofClaims = Type.Object({ ...proven, bh: Hash43, hh: Hash43, rid: Uuidv7 }, CLOSED);
export type RequestProofClaims = Static<typeof RequestProofClaims>;

/** How many of the highest numbers a receiver remembers (SES-9); 256 unless the opening asks for more. */
const ReplayWidth = Type.Union([Type.Literal(256), Type.Literal(1024)]);

/** Body of `POST /talos/v1/sessions` (SES-3). */
export const OpenSessionRequest = Type.Object(
  { chain: Chain, proof: CompactJws, window: Type.Optional(ReplayWidth) },
  CLOSED,
);
export type OpenSessionRequest = Static<typeof OpenSessionRequest>;

/** Its answer (SES-4). */
export const OpenSessionAnswer = Type.Object({ session: CompactJws }, CLOSED);
export type OpenSessionAnswer = Static<typeof OpenSessionAnswer>;

/** Payload of the gateway's answer (SES-4). */
export const SessionClaims = Type.Object(
  {
    iss: Did,
    aud: Did,
    sid: SessionId,
    epk: Hash43,
    iat: Seconds,
    exp: Seconds,
    window: ReplayWidth,
    proof: Hash43,
  },
  CLOSED,
);
export type SessionClaims = Static<typeof SessionClaims>;
