import { encodeBase64url, type Signer } from '@talosprotocol/protocol';

/** A part of a JWS before it is encoded: text, or bytes where no text would do. */
export type Part = string | Uint8Array;

export const bytesOf = (part: Part): Uint8Array =>
  typeof part === 'string' ? new TextEncoder().encode(part) : part;
const encoded = (part: Part): string => encodeBase64url(bytesOf(part));

/** Signs whatever it is given: a real signature over a token that must be refused for something else. */
export function forge(header: Part, payload: Part, signer: Pick<Signer, 'sign'>): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${encodeBase64url(signer.sign(bytesOf(input)))}`;
}

/** As forge, with a signature that is made of the signed text in any way. */
export function forgeWith(header: Part, payload: Part, sign: (input: string) => Uint8Array): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${encodeBase64url(sign(input))}`;
}

/** Members of an object with their JSON as text: names may repeat, values need not be JSON. */
export type Members = readonly (readonly [name: string, json: string])[];

export const membersOf = (value: object): Members =>
  Object.entries(value).map(([name, member]) => [name, JSON.stringify(member)]);
export const textOf = (members: Members): string =>
  `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

/** The object with one member's JSON replaced, or added. */
export function withMember(value: object, name: string, json: string): string {
  const members = membersOf(value).filter(([other]) => other !== name);
  return textOf([...members, [name, json]]);
}

export function withoutMember(value: object, name: string): string {
  return textOf(membersOf(value).filter(([other]) => other !== name));
}

/** The name with its first letter as an escape: the same member to every parser, another text. */
export const escapedName = (name: string): string =>
  `"\\u00${name.charCodeAt(0).toString(16).padStart(2, '0')}${name.slice(1)}"`;
