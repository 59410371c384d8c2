import type { Constraint, Grant } from '@talosprotocol/contracts';
import { isTrustError, parsePointer, parseScope } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { UsageError } from '../usage-error.js';
import { parseConstraintText } from './constraint-text.js';

interface Draft {
  readonly scope: string;
  readonly ops: ('read' | 'write')[];
  readonly where: Constraint[];
  readonly only: string[];
}

/** What `--grant`, `--where` and `--only` said, in their order. */
export interface GrantOptions {
  /** The grants; without `--grant` those of `parent`, if caveats narrow them, else none.
   *  @throws {UsageError} a caveat without a grant */
  grants(parent?: readonly Grant[]): Grant[];
}

/** Adds `--grant`, `--where` and `--only` to a command. A caveat belongs to the grant it follows; before the first
 *  grant it belongs to every one. */
export function withGrants(command: Command): GrantOptions {
  const common = { where: [] as Constraint[], only: [] as string[] };
  const drafts: Draft[] = [];
  const place = () => drafts.at(-1) ?? common;
  command
    .option(
      '--grant <scope:ops>',
      "what may be done, such as 'tool:files/method:read_text_file/resource:/data:read' (repeatable)",
      (text: string) => void drafts.push(parseGrantText(text)),
    )
    .option(
      '--where <constraint>',
      "'<pointer> <operator> <value>' on the arguments, for the --grant before it (repeatable)",
      (text: string) => void place().where.push(parseConstraintText(text)),
    )
    .option(
      '--only <pointer>',
      'no other argument may be given, for the --grant before it (repeatable)',
      (text: string) => void place().only.push(checkedPointer(text)),
    );
  return {
    grants: (parent) => {
      if (drafts.length > 0) return drafts.map((draft) => toGrant(draft, common));
      if (common.where.length + common.only.length === 0) return [];
      if (parent !== undefined) return parent.map((grant) => narrowed(grant, common));
      throw new UsageError('--where and --only belong to a grant', 'add --grant <scope:ops> before them');
    },
  };
}

const OPS: Readonly<Record<string, ('read' | 'write')[]>> = {
  read: ['read'],
  write: ['write'],
  'read,write': ['read', 'write'],
};

/** Reads `<scope>:<ops>`: the last colon separates, since scopes hold colons and ops do not.
 *  @throws {UsageError} */
function parseGrantText(text: string): Draft {
  const end = text.lastIndexOf(':');
  const ops = Object.hasOwn(OPS, text.slice(end + 1)) ? OPS[text.slice(end + 1)] : undefined;
  if (end < 0 || ops === undefined)
    throw new UsageError(
      `not a grant: ${text}`,
      "a scope, a colon and read, write or read,write: --grant 'tool:files/method:read_text_file:read'",
    );
  return { scope: checkedScope(text.slice(0, end)), ops: [...ops], where: [], only: [] };
}

function checkedScope(scope: string): string {
  return refusing(`not a scope: ${scope}`, () => parseScope(scope, 'grant').text);
}

function checkedPointer(pointer: string): string {
  refusing(`not a JSON Pointer: ${pointer}`, () => parsePointer(pointer));
  return pointer;
}

/** What the protocol calls malformed is here the caller's slip. */
function refusing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (isTrustError(error)) throw new UsageError(what, error.data.reason);
    throw error;
  }
}

function toGrant({ scope, ops, where, only }: Draft, common: Pick<Draft, 'where' | 'only'>): Grant {
  const allWhere = [...common.where, ...where];
  const allOnly = [...new Set([...common.only, ...only])];
  return {
    scope,
    ops,
    ...(allWhere.length === 0 ? {} : { where: allWhere }),
    ...(allOnly.length === 0 ? {} : { only: allOnly }),
  };
}

/** The parent's own caveats stay, so that the link says what it means by itself. An argument must satisfy both lists of
 *  `only`, which one list cannot say: the new one stands, and the parent's link keeps its own. */
function narrowed(grant: Grant, { where, only }: Pick<Draft, 'where' | 'only'>): Grant {
  const allWhere = [...(grant.where ?? []), ...where];
  const allOnly = only.length > 0 ? only : grant.only;
  return {
    scope: grant.scope,
    ops: grant.ops,
    ...(allWhere.length === 0 ? {} : { where: allWhere }),
    ...(allOnly === undefined ? {} : { only: allOnly }),
  };
}
