export { isTrustError, TrustError, type TrustErrorData } from './error.js';
