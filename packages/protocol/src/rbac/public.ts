// What the package offers of its folder rbac, by name.
export {
  type AccessPolicy,
  type AccessQuestion,
  decideAccess,
  findLack,
  GLOBAL,
  hasAnywhere,
} from './access.js';
export { BUILT_IN_ROLES } from './built-in-roles.js';
export { subjectKey } from './subject.js';
