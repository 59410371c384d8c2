import { isIP } from 'node:net';
import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';
import validator from 'validator';
import { type Finding, merged } from './finding.js';
import { inPlain } from './plain.js';

/** What is known of as personal data. */
export const PERSONAL_TYPES = ['email', 'phone', 'card', 'iban', 'ssn', 'ip'] as const;
export type PersonalType = (typeof PERSONAL_TYPES)[number];

/** A form that may be one, and what makes sure of it: the length of what it is, or 0. */
interface Recognizer {
  readonly pattern: RegExp;
  readonly lengthOf: (candidate: string, before: string) => number;
}

const whole = (isOne: (candidate: string) => boolean) => (candidate: string) =>
  isOne(candidate) ? candidate.length : 0;

const RECOGNIZERS: Readonly<Record<Exclude<PersonalType, 'phone'>, Recognizer>> = {
  email: {
    pattern:
      /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}_%+-][\p{L}\p{N}._%+-]{0,63}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}[\p{L}]{2,24}(?![\p{L}\p{N}-]|\.[\p{L}\p{N}]|:[\w~/])/gu,
    lengthOf: whole((candidate) => validator.isEmail(candidate)),
  },
  card: {
    pattern: /(?<![\p{L}\p{N}.-])[2-6][0-9]{3}(?:[ -]?[0-9]){8,15}(?![\p{N}]|[.-][0-9])/gu,
    lengthOf: whole((candidate) => validator.isCreditCard(candidate.replaceAll(/[ -]/g, ''))),
  },
  iban: {
    pattern: /(?<![\p{L}\p{N}])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,32}/gu,
    lengthOf: lengthOfIban,
  },
  ssn: {
    pattern: /(?<![\p{N}-])(?!000|666|9)[0-9]{3}([- ])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\p{N}-])/gu,
    lengthOf: (candidate) => candidate.length,
  },
  ip: {
    pattern:
      /(?<![\p{L}\p{N}.:_-])(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![.-]?[\p{L}\p{N}])|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?![\p{L}\p{N}:]))/giu,
    lengthOf: (candidate, before) =>
      isPublic(candidate) && !/\b(?:v|ver|version|release)\.? ?$/i.test(before) ? candidate.length : 0,
  },
};

/** Data of people, of these types. A number of a telephone without its country is taken for one of `country`. */
export function detectPersonal(
  text: string,
  types: readonly PersonalType[],
  country: CountryCode = 'US',
): readonly Finding[] {
  return inPlain(text, (read) => findPersonal(read, types, country));
}

function findPersonal(
  text: string,
  types: readonly PersonalType[],
  country: CountryCode,
): readonly Finding[] {
  const found: Finding[] = [];
  for (const type of types) {
    const { pattern, lengthOf } = type === 'phone' ? phoneOf(country) : RECOGNIZERS[type];
    for (const { index, 0: candidate } of text.matchAll(pattern)) {
      const length = lengthOf(candidate, text.slice(Math.max(0, index - BEFORE), index));
      if (length > 0) found.push({ type, start: index, end: index + length });
    }
  }
  return merged(found);
}

/** As much is looked at before a candidate. */
const BEFORE = 16;

/** Accounts have as many characters as their country says; what follows may be in capitals too. */
function lengthOfIban(candidate: string): number {
  const account = candidate.replaceAll(/[ -]/g, '');
  // Modulo 97 (ISO 7064), which costs less than to know each country's form: of what follows the first four, and of those behind it.
  const first = account.slice(0, 4);
  let [rest, found] = [0, 0];
  for (let size = 5; size <= account.length; size += 1) {
    rest = modulo97(rest, account.charCodeAt(size - 1));
    if (size < 15) continue;
    let whole = rest;
    for (let at = 0; at < 4; at += 1) whole = modulo97(whole, first.charCodeAt(at));
    if (whole === 1 && validator.isIBAN(account.slice(0, size))) found = size;
  }
  return found === 0 ? 0 : lengthWith(candidate, found);
}

/** `code` is that of a digit or a capital letter, which stands for two digits. */
function modulo97(rest: number, code: number): number {
  const isDigit = code < 0x3a;
  return (rest * (isDigit ? 10 : 100) + code - (isDigit ? 0x30 : 0x37)) % 97;
}

/** How long the candidate is up to so many characters that count. */
function lengthWith(candidate: string, count: number): number {
  let [at, left] = [0, count];
  for (; left > 0; at += 1) if (candidate[at] !== ' ' && candidate[at] !== '-') left -= 1;
  return at;
}

/** Addresses that are somebody's: not of this machine or a private network, nor of documentation. */
function isPublic(candidate: string): boolean {
  if (isIP(candidate) === 6) return !/^(?:::1?$|f[cd]|fe[89ab])/i.test(candidate);
  return (
    isIP(candidate) === 4 &&
    !/^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2[0-9]|3[01])|2(?:2[4-9]|[34][0-9]|5[0-5]))\./.test(
      candidate,
    )
  );
}

const PHONE =
  /(?<![\p{L}\p{N}.:/=_#-])(?:\+|00)?\(?[0-9](?:[ ().\-/]{0,2}[0-9]){6,15}(?![\p{L}\p{N}]|[.:-][0-9])/gu;

/** Digits as people group them. */
const GROUPS = /^\(?[0-9]{2,5}\)?(?:[ .\-/]{1,2}[0-9]{2,9}){1,4}$|^\([0-9]{2,5}\) ?[0-9]{4,9}$/;

function phoneOf(country: CountryCode): Recognizer {
  return {
    pattern: PHONE,
    lengthOf: whole((candidate) => {
      if (isIP(candidate) === 4) return false;
      const isInternational = /^(?:\+|00)/.test(candidate);
      // Bare digits are numbers of anything, and so are digits that stand alone; neither is worth a closer look.
      if (!isInternational && !GROUPS.test(candidate)) return false;
      const number = parsePhoneNumberFromString(candidate.replace(/^00/, '+'), country);
      return number?.isValid() === true;
    }),
  };
}
