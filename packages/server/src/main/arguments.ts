import { TrustError } from '@talosprotocol/protocol';
import { parseRoles, type Roles } from './roles.js';

/** What the program was called for. */
export type Arguments = {
  /** Settings that were given as options, in the form of variables. */
  readonly variables: Readonly<Record<string, string>>;
} & (
  | { readonly command: 'help' | 'init' | 'doctor' }
  | { readonly command: 'serve'; readonly roles: Roles; readonly untilStdinEnds: boolean }
  | { readonly command: 'witness'; readonly untilStdinEnds: boolean }
  | { readonly command: 'witness-key' | 'anchor-deploy' | 'fsck' }
  | { readonly command: 'import-log'; readonly archive: string }
);

export const USAGE = `server <role>[,<role>...] [--workers <n>] [--until-stdin-ends]
server all | witness | init | doctor | witness-key | anchor-deploy | fsck | import-log <archive>

roles (all of them: all)
  kernel    identities, capabilities, sessions, decisions: TALOS_KERNEL_PORT, 8000
  gateway   tool servers behind the one choke point: TALOS_GATEWAY_PORT, 8001
  audit     the log, one process for each database: TALOS_AUDIT_PORT, 8002

Roles in several processes share a PostgreSQL (TALOS_DATABASE_URL) and their keys (a copy of keys/ in each data folder;
nodes without the role audit may share one folder on a machine). TALOS_NODE_URL says where nodes on other machines
reach this one. With the embedded database there is one process, which keeps the log too.

A witness cosigns the checkpoints of logs of others: TALOS_WITNESS_PORT, 8004. It is a process with a data folder, a key
and a database of its own, and talos.yaml names the logs it follows (\`witness\`); witness-key prints its key.

fsck looks at the whole log of the data folder and changes nothing; import-log fills an empty one from an archive, under
the same keys. Both need the folder for themselves.

options
  --workers <n>        threads that verify signatures besides the main one, 0 to 64 (TALOS_WORKERS, 0)
  --until-stdin-ends   stop when standard input ends

Every other setting is a variable; \`server doctor\` looks at them.
`;

const ONE_SHOT = ['init', 'doctor', 'witness-key', 'anchor-deploy', 'fsck'] as const;

function isOneShot(name: string): name is (typeof ONE_SHOT)[number] {
  return (ONE_SHOT as readonly string[]).includes(name);
}

/** Reads the arguments of the program. @throws {TrustError} SETTINGS_INVALID */
export function parseArguments(args: readonly string[]): Arguments {
  const [name, ...options] = args;
  if (name === undefined) throw wrong('no role was named');
  if (name === '--help' || name === '-h' || options.includes('--help'))
    return { command: 'help', variables: {} };
  if (name === 'witness') {
    const { untilStdinEnds, variables } = parseOptions(options);
    if (Object.keys(variables).length > 0) throw wrong('witness takes no --workers');
    return { command: name, untilStdinEnds, variables };
  }
  if (name === 'import-log') {
    const [archive, more] = options;
    if (archive === undefined || more !== undefined) throw wrong('import-log takes the path of an archive');
    return { command: name, archive, variables: {} };
  }
  if (isOneShot(name)) {
    const [option] = options;
    if (option !== undefined) throw wrong(`${name} takes no ${option}`);
    return { command: name, variables: {} };
  }
  const roles = parseRoles(name);
  if (roles === undefined)
    throw wrong(`the roles are: kernel, gateway, audit, all, and witness by itself; ${name} is none`);
  return { command: 'serve', roles, ...parseOptions(options) };
}

function parseOptions(options: readonly string[]): {
  untilStdinEnds: boolean;
  variables: Record<string, string>;
} {
  let untilStdinEnds = false;
  const variables: Record<string, string> = {};
  for (let index = 0; index < options.length; index += 1) {
    const option = options[index] ?? '';
    if (option === '--until-stdin-ends') untilStdinEnds = true;
    else if (option === '--workers') {
      index += 1;
      variables['TALOS_WORKERS'] = parseWorkers(options[index]);
    } else if (option.startsWith('--workers=')) {
      variables['TALOS_WORKERS'] = parseWorkers(option.slice('--workers='.length));
    } else throw wrong(`${option} is not an option`);
  }
  return { untilStdinEnds, variables };
}

const MAX_WORKERS = 64;

function parseWorkers(text: string | undefined): string {
  const isCount = text !== undefined && /^(0|[1-9][0-9]?)$/.test(text) && Number(text) <= MAX_WORKERS;
  if (isCount) return text;
  throw wrong(`--workers takes a number of threads, 0 to ${MAX_WORKERS}`);
}

function wrong(reason: string): TrustError {
  return new TrustError('SETTINGS_INVALID', reason, { hint: 'server --help shows the roles and options' });
}
