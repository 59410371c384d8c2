import { malformed, TrustError } from '../error.js';
import { type FieldItem, isInnerList } from './structured-field.js';
import { parseFieldDictionary } from './structured-field-parser.js';
import { formatFieldItem, formatInnerList } from './structured-field-text.js';

/** A request as its signature covers it. */
export interface HttpRequestMessage {
  /** In capitals, as in the request line. */
  readonly method: string;
  readonly scheme: 'https' | 'http';
  /** The `Host` header. */
  readonly authority: string;
  /** The origin-form target as it stood in the request line. */
  readonly target: string;
  /** Names and values in turn, as they came (`rawHeaders` of Node). */
  readonly headers: readonly string[];
}

/** The value of one component (RFC 9421 section 2): the derived components of requests, and fields, whole or one
 *  member of a dictionary (`key`). The other parameters (`sf`, `bs`, `req`, `tr`), `@query-param` and `@status` are
 *  not known here.
 *  @throws {TrustError} MALFORMED: a component that is not known; PROOF_INVALID: the request does not have it */
export function componentValue(id: FieldItem, message: HttpRequestMessage): string {
  const name = componentName(id);
  if (!name.startsWith('@')) return fieldValue(name, id, message);
  const derive = Object.hasOwn(DERIVED, name) ? DERIVED[name] : undefined;
  if (derive === undefined || id.params.size > 0) throw malformed('a signed component that is not known');
  return derive(message);
}

/** The name of a component. @throws {TrustError} MALFORMED */
export function componentName({ item }: FieldItem): string {
  if (item.type === 'string' && NAME.test(item.value)) return item.value;
  throw malformed('a signed component without a proper name');
}

const NAME = /^@?[a-z0-9!#$%&'*+.^_`|~-]+$/;

type Derivation = (message: HttpRequestMessage) => string;

const DERIVED: Readonly<Record<string, Derivation>> = {
  '@method': ({ method }) => method,
  '@scheme': ({ scheme }) => scheme,
  '@authority': authorityOf,
  '@target-uri': (message) => `${message.scheme}://${authorityOf(message)}${message.target}`,
  '@request-target': ({ target }) => target,
  '@path': ({ target }) => target.split('?', 1)[0] as string,
  '@query': ({ target }) => `?${target.split('?').slice(1).join('?')}`,
};

const DEFAULT_PORT = { https: ':443', http: ':80' } as const;

/** Lower case and without the scheme's own port (RFC 9421 section 2.2.3). */
function authorityOf({ authority, scheme }: HttpRequestMessage): string {
  const host = authority.toLowerCase();
  const port = DEFAULT_PORT[scheme];
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}

function fieldValue(name: string, { params }: FieldItem, message: HttpRequestMessage): string {
  const lines = fieldLines(name, message.headers);
  if (lines.length === 0)
    throw new TrustError('PROOF_INVALID', `the signature covers ${name}, which is not there`, {
      caveat: name,
      hint: `Send the header ${name}, or sign without it.`,
    });
  const value = lines.join(', ');
  const key = params.get('key');
  if (params.size === 0) return value;
  if (params.size > 1 || key?.type !== 'string')
    throw malformed('a signed component with a parameter not known here');
  return memberOf(value, key.value);
}

/** The values of a field, without the white space around them. Line folding and anything else that is not visible
 *  ASCII is refused: it would be a matter of taste what was signed. */
export function fieldLines(name: string, headers: readonly string[]): readonly string[] {
  return headers.flatMap((_, index) => {
    if (index % 2 === 1 || (headers[index] as string).toLowerCase() !== name) return [];
    const value = (headers[index + 1] ?? '').replace(/^[ \t]+/, '').replace(/(?<![ \t])[ \t]+$/, '');
    if (!/^[\x20-\x7e]*$/.test(value)) throw malformed(`a signed header ${name} that is not printable ASCII`);
    return [value];
  });
}

/** One member of a dictionary field, written anew (RFC 9421 section 2.1.2). */
function memberOf(field: string, key: string): string {
  const member = parseFieldDictionary(field, { unique: true }).get(key);
  if (member === undefined)
    throw new TrustError('PROOF_INVALID', 'the signature covers a member that is not there');
  return isInnerList(member) ? formatInnerList(member) : formatFieldItem(member);
}
