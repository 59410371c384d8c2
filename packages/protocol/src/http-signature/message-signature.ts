import { malformed } from '../error.js';
import type { BareItem, FieldMember, InnerList, Parameters } from './structured-field.js';
import { isInnerList } from './structured-field.js';
import { parseFieldDictionary } from './structured-field-parser.js';

/** The parameters RFC 9421 section 2.3 registers, with their types. */
export interface SignatureParameters {
  /** Unix seconds. */
  readonly created?: number;
  /** Unix seconds. */
  readonly expires?: number;
  readonly nonce?: string;
  readonly alg?: string;
  readonly keyid?: string;
  readonly tag?: string;
}

/** One signature of a request, taken apart and not verified. */
export interface MessageSignature {
  readonly label: string;
  /** The covered components and the parameters, as they are signed. */
  readonly input: InnerList;
  readonly parameters: SignatureParameters;
  readonly signature: Uint8Array;
}

/** Most signatures of one request that are looked through, and longest `Signature-Input` in bytes (SES-15). */
export const SIGNATURE_LIMITS = { count: 4, bytes: 8192 } as const;

/** Takes the fields `Signature-Input` and `Signature` apart (RFC 9421 section 4). Both must have the same labels, each
 *  once.
 *  @throws {TrustError} MALFORMED */
export function parseMessageSignatures(input: string, signature: string): readonly MessageSignature[] {
  if (input.length > SIGNATURE_LIMITS.bytes || signature.length > SIGNATURE_LIMITS.bytes)
    throw malformed('signatures that are too long');
  const inputs = parseFieldDictionary(input, { unique: true });
  const signatures = parseFieldDictionary(signature, { unique: true });
  if (inputs.size > SIGNATURE_LIMITS.count) throw malformed('too many signatures');
  if (inputs.size !== signatures.size) throw malformed('signatures without their input');
  return [...inputs].map(([label, member]) => {
    if (!isInnerList(member)) throw malformed('a signature input that is no list of components');
    const parameters = parametersOf(member.params);
    return { label, input: member, parameters, signature: bytesOf(signatures.get(label)) };
  });
}

function bytesOf(member: FieldMember | undefined): Uint8Array {
  if (member === undefined || isInnerList(member) || member.item.type !== 'binary')
    throw malformed('a signature that is no binary value');
  return member.item.value;
}

const TYPES: Readonly<Record<keyof SignatureParameters, BareItem['type']>> = {
  created: 'integer',
  expires: 'integer',
  nonce: 'string',
  alg: 'string',
  keyid: 'string',
  tag: 'string',
};

/** Those not registered are left to whoever has a rule for them: they are signed with the rest. */
function parametersOf(params: Parameters): SignatureParameters {
  const known = Object.entries(TYPES).flatMap(([name, type]) => {
    const param = params.get(name);
    if (param === undefined) return [];
    if (param.type !== type) throw malformed(`a signature parameter ${name} of another type`);
    return [[name, param.value]];
  });
  return Object.fromEntries(known);
}
