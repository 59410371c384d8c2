import {
  type BareItem,
  type FieldItem,
  type FieldMember,
  formatFieldDictionary,
  formatFieldItem,
  formatFieldList,
  isInnerList,
  parseFieldDictionary,
  parseFieldItem,
  parseFieldList,
} from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

interface Case {
  readonly name: string;
  readonly raw: readonly string[];
  readonly header_type: 'item' | 'list' | 'dictionary';
  readonly expected?: unknown;
  readonly must_fail?: true;
  readonly can_fail?: true;
  readonly canonical?: readonly string[];
}

const FILES = (
  'binary boolean date dictionary display-string examples item list listlist number param-dict param-list ' +
  'param-listlist string token'
).split(' ');

/** Bytes as the data writes them. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = (bits.match(/.{1,5}/g) ?? []).map(
    (part) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(part.padEnd(5, '0'), 2)],
  );
  return digits.join('').padEnd(Math.ceil(digits.length / 8) * 8, '=');
}

function bare({ type, value }: BareItem): unknown {
  switch (type) {
    case 'token':
    case 'date':
      return { __type: type, value };
    case 'display':
      return { __type: 'displaystring', value };
    case 'binary':
      return { __type: 'binary', value: base32(value) };
    default:
      return value;
  }
}

const params = (all: ReadonlyMap<string, BareItem>) => [...all].map(([key, value]) => [key, bare(value)]);
const itemOf = (one: FieldItem) => [bare(one.item), params(one.params)];
const memberOf = (member: FieldMember) =>
  isInnerList(member) ? [member.items.map(itemOf), params(member.params)] : itemOf(member);

const KINDS = {
  item: (text: string) => {
    const value = parseFieldItem(text);
    return { value: itemOf(value), text: formatFieldItem(value) };
  },
  list: (text: string) => {
    const value = parseFieldList(text);
    return { value: value.map(memberOf), text: formatFieldList(value) };
  },
  dictionary: (text: string) => {
    const value = parseFieldDictionary(text);
    return {
      value: [...value].map(([key, member]) => [key, memberOf(member)]),
      text: formatFieldDictionary(value),
    };
  },
};

const folder = standardsFolder();
const refused = expect.objectContaining({ code: 'MALFORMED' });

describe.skipIf(folder === undefined)(
  'structured fields of RFC 9651 (skipped without ../shared/vectors)',
  () => {
    for (const file of FILES) {
      const cases =
        folder === undefined ? [] : readStandard<Case[]>(`standards/structured-fields/${file}.json`);
      it.each(cases.map((one) => [one.name, one] as const))(`${file}: %s (SES-17)`, (_, one) => {
        const text = one.raw.join(', ');
        const read = () => KINDS[one.header_type](text);
        if (one.must_fail) return expect(read).toThrow(refused);
        if (one.can_fail && isRefused(read)) return;
        const { value, text: written } = read();
        expect(value).toEqual(one.expected);
        expect(written).toBe((one.canonical ?? one.raw).join(', '));
      });
    }
  },
);

function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    expect(error).toEqual(refused);
    return true;
  }
}
