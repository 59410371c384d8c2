// What the package offers of its folder crypto, by name.
export type { Codec } from './codec.js';
export { isEd25519PublicKey } from './ed25519.js';
export { equalBytes } from './equal.js';
export {
  type JwsHeader,
  type JwsLimits,
  type ParsedJws,
  parseJws,
  type Signer,
  signJws,
  verifyJwsSignature,
} from './jws.js';
export { type JcsSignature, parseJcs, signJcs, verifyJcs } from './jws-jcs.js';
export { portableCrypto } from './portable.js';
export type { CryptoProvider, MacRoom } from './provider.js';
