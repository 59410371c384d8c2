// What the package offers of its folder http-signature, by name.
export type { HttpRequestMessage } from './component.js';
export {
  type ContentDigest,
  parseContentDigest,
  verifyContentDigest,
} from './content-digest.js';
export {
  type MessageSignature,
  parseMessageSignatures,
  SIGNATURE_LIMITS,
  type SignatureParameters,
} from './message-signature.js';
export {
  type ParsedPossession,
  POSSESSION_SECONDS,
  POSSESSION_TAG,
  parsePossession,
  type SchemelessRequest,
  type VerifiedPossession,
  verifyPossession,
  verifySignedBody,
} from './possession.js';
export { formatSignatureBase } from './signature-base.js';
export {
  type BareItem,
  type FieldDictionary,
  type FieldItem,
  type FieldMember,
  type InnerList,
  isInnerList,
  type Parameters as FieldParameters,
} from './structured-field.js';
export {
  FIELD_LIMITS,
  type FieldParsing,
  parseFieldDictionary,
  parseFieldItem,
  parseFieldList,
} from './structured-field-parser.js';
export {
  formatFieldDictionary,
  formatFieldItem,
  formatFieldList,
  formatInnerList,
} from './structured-field-text.js';
export {
  type BotIdentity,
  type BotKeyFinder,
  ed25519Thumbprint,
  verifyWebBotAuth,
  WEB_BOT_AUTH_TAG,
} from './web-bot-auth.js';
