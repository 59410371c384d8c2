import { AccessScope, createChecker, Subject } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { UsageError } from '../../usage-error.js';

/** Whom something is for. */
export interface SubjectOptions {
  readonly service?: string;
  readonly person?: string;
  readonly email?: string;
  readonly group?: string;
  readonly issuer?: string;
}

/** Where it counts. */
export interface ScopeOptions {
  readonly scope?: string;
}

/** Adds the options that name a subject. */
export function withSubject(command: Command): Command {
  return command
    .option('--service <id>', 'a service account')
    .option('--person <sub>', 'a person, by the subject its OpenID provider knows it by')
    .option('--email <address>', 'whoever has this verified address at the provider')
    .option('--group <name>', 'everybody in a group of the provider')
    .option('--issuer <url>', 'the provider of --person, --email or --group');
}

/** Adds `--scope`. */
export function withScope(command: Command): Command {
  return command.option(
    '--scope <scope>',
    'kind:attribute=value,... such as team:team_id=payments (default: global)',
  );
}

const isSubject = createChecker(Subject);
const isScope = createChecker(AccessScope);
const KINDS = ['service', 'person', 'email', 'group'] as const;

/** The subject that was named; undefined if none was. @throws {UsageError} */
export function readSubject(options: SubjectOptions): Subject | undefined {
  const [kind, ...more] = KINDS.filter((name) => options[name] !== undefined);
  if (kind === undefined) return undefined;
  if (more.length > 0) throw new UsageError('more than one subject is named', 'make a binding for each');
  const issuer = kind === 'service' ? {} : { issuer: options.issuer ?? '' };
  const subject = { kind, id: options[kind] ?? '', ...issuer };
  if (isSubject(subject) === undefined) return subject as Subject;
  const hint = kind === 'service' ? 'its id begins with svc_' : `--${kind} needs --issuer <url> as well`;
  throw new UsageError(`not a subject: ${options[kind]}`, hint);
}

/** `team:team_id=a,org_id=b`; global by default. @throws {UsageError} */
export function readScope({ scope = 'global' }: ScopeOptions): AccessScope {
  const mark = scope.indexOf(':');
  const kind = mark < 0 ? scope : scope.slice(0, mark);
  const pairs = mark < 0 ? [] : scope.slice(mark + 1).split(',');
  const attributes = Object.fromEntries(pairs.map(pairOf));
  const read = { kind, attributes };
  if (Object.keys(attributes).length === pairs.length && isScope(read) === undefined)
    return read as AccessScope;
  throw new UsageError(
    `not a scope: ${scope}`,
    'global, or team:team_id=a, repo:repo_id=r, path:path=/p, secret:secret_id=s, trace:trace_id=t',
  );
}

function pairOf(text: string): [string, string] {
  const mark = text.indexOf('=');
  return [text.slice(0, Math.max(mark, 0)), text.slice(mark + 1)];
}

/** A subject in one line. */
export function describeSubject(subject: Subject): string {
  const at = 'issuer' in subject ? ` at ${subject.issuer}` : '';
  return `${subject.kind} ${subject.id}${at}`;
}

/** A scope as it is written on the command line. */
export function describeScope({ kind, attributes }: AccessScope): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${String(value)}`);
  return pairs.length === 0 ? kind : `${kind}:${pairs.join(',')}`;
}
