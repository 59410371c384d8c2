import { malformed } from '../error.js';
import { componentValue, type HttpRequestMessage } from './component.js';
import type { InnerList } from './structured-field.js';
import { formatFieldItem, formatInnerList } from './structured-field-text.js';

/** The text that is signed (RFC 9421 section 2.5): a line for each covered component, and one for the list of them with
 *  its parameters, without a last line feed.
 *  @throws {TrustError} MALFORMED: a component twice or not known; PROOF_INVALID: the request does not have it */
export function formatSignatureBase(input: InnerList, message: HttpRequestMessage): string {
  const ids = input.items.map(formatFieldItem);
  if (new Set(ids).size < ids.length) throw malformed('a signature that covers a component twice');
  const lines = input.items.map((item, index) => `${ids[index]}: ${componentValue(item, message)}`);
  return [...lines, `"@signature-params": ${formatInnerList(input)}`].join('\n');
}
