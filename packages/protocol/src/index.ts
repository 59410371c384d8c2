// Each folder lists by name what it offers.
export * from './anchor/public.js';
export * from './capability/public.js';
export * from './crypto/public.js';
export * from './encoding/public.js';
export { isTrustError, TrustError, type TrustErrorData } from './error.js';
export * from './evidence/public.js';
export * from './examination/public.js';
export * from './http-signature/public.js';
export * from './identity/public.js';
export * from './log/public.js';
export * from './rbac/public.js';
export * from './revocation/public.js';
export * from './session/public.js';
