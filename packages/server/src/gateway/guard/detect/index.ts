/** The detectors, as they are measured. */
/** @public bench measures it */
export { detectInjection } from './injection.js';
/** @public bench measures it */
export { detectPersonal } from './personal.js';
/** @public bench measures it */
export { detectSecrets } from './secrets.js';
