import { encodeHex } from '../encoding/hex.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { encodeBase64 } from '../log/base64.js';
import {
  type BareItem,
  type FieldDictionary,
  type FieldItem,
  type FieldMember,
  type InnerList,
  isInnerList,
  type Parameters,
} from './structured-field.js';

/** Writes an item with its parameters (RFC 9651 section 4.1.3). What the parser gives has one spelling.
 *  @throws {TypeError} a value that RFC 9651 cannot express */
export function formatFieldItem({ item, params }: FieldItem): string {
  return formatBareItem(item) + formatParameters(params);
}

/** Writes an inner list with its parameters (RFC 9651 section 4.1.1.1). @throws {TypeError} as `formatFieldItem` */
export function formatInnerList({ items, params }: InnerList): string {
  return `(${items.map(formatFieldItem).join(' ')})${formatParameters(params)}`;
}

/** Writes a list (RFC 9651 section 4.1.1). @throws {TypeError} as `formatFieldItem` */
export function formatFieldList(members: readonly FieldMember[]): string {
  return members.map(formatMember).join(', ');
}

/** Writes a dictionary (RFC 9651 section 4.1.2). @throws {TypeError} as `formatFieldItem` */
export function formatFieldDictionary(members: FieldDictionary): string {
  return [...members]
    .map(([key, member]) =>
      isTrue(member)
        ? checkKey(key) + formatParameters(member.params)
        : `${checkKey(key)}=${formatMember(member)}`,
    )
    .join(', ');
}

function formatMember(member: FieldMember): string {
  return isInnerList(member) ? formatInnerList(member) : formatFieldItem(member);
}

function isTrue(member: FieldMember): boolean {
  return !isInnerList(member) && member.item.type === 'boolean' && member.item.value;
}

function formatParameters(params: Parameters): string {
  return [...params]
    .map(([key, item]) => {
      const isFlag = item.type === 'boolean' && item.value;
      return isFlag ? `;${checkKey(key)}` : `;${checkKey(key)}=${formatBareItem(item)}`;
    })
    .join('');
}

function checkKey(key: string): string {
  if (/^[a-z*][a-z0-9_.*-]*$/.test(key)) return key;
  throw new TypeError('a key that no structured field may have');
}

function formatBareItem(item: BareItem): string {
  switch (item.type) {
    case 'integer':
      return formatInteger(item.value);
    case 'date':
      return `@${formatInteger(item.value)}`;
    case 'decimal':
      return formatDecimal(item.value);
    case 'string':
      return formatString(item.value);
    case 'token':
      return formatToken(item.value);
    case 'binary':
      return `:${encodeBase64(item.value)}:`;
    case 'boolean':
      return item.value ? '?1' : '?0';
    case 'display':
      return formatDisplay(item.value);
  }
}

const MAX_INTEGER = 999_999_999_999_999;

function formatInteger(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) <= MAX_INTEGER) return String(value);
  throw new TypeError('an integer that no structured field may hold');
}

/** At most three fraction digits and at least one; the parser gives no more than three. */
function formatDecimal(value: number): string {
  if (!(Math.abs(value) < 1e12)) throw new TypeError('a decimal that no structured field may hold');
  return value.toFixed(3).replace(/0{1,2}$/, '');
}

function formatString(value: string): string {
  if (/[^\x20-\x7e]/.test(value)) throw new TypeError('a string that no structured field may hold');
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function formatToken(value: string): string {
  if (/^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/.test(value)) return value;
  throw new TypeError('a token that no structured field may hold');
}

function formatDisplay(value: string): string {
  const signs = [...encodeUtf8(value)].map((byte) => {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x25;
    return plain ? String.fromCharCode(byte) : `%${encodeHex(Uint8Array.of(byte))}`;
  });
  return `%"${signs.join('')}"`;
}
