import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import type { Output } from '../output.js';
import { withProgress } from '../progress.js';
import { type ServerEnvOptions, serverEnv, withServerEnv } from '../server-env.js';
import { type RolesReady, startRoles, startServer } from '../server-process.js';
import { serveUntilStopped } from '../serving.js';
import { shellWord } from '../shell-word.js';
import { UsageError } from '../usage-error.js';

/** `talos up`: the whole platform, until it is stopped. */
export function addUp(program: Command, shell: Shell): void {
  const text = {
    usage: 'up',
    summary: 'run the platform (kernel, gateway, audit) until Ctrl-C; makes what is missing',
    examples: [
      'talos up',
      'talos up --data ./talos-data --gateway-port 9001',
      'talos up --roles kernel,gateway --workers 2',
    ],
    notes: [
      'Listens on loopback unless TALOS_HOST says otherwise. With --json the one document comes once it serves. The log goes',
      'to standard error. Roles in several processes need a PostgreSQL of your own (TALOS_DATABASE_URL) and one of them the',
      'role audit; see docs/guides/several-nodes.md.',
      'Exit code 0 after a clean stop, 1 a setting is wrong, 4 it could not start or ended by itself.',
    ],
  };
  const up: Handler<UpOptions> = async ({ io, output, options }) => {
    const start = async (signal: AbortSignal) => {
      const { roles = 'all', workers } = options;
      assertRoles(roles);
      const env = { ...serverEnv(io, options), ...(workers === undefined ? {} : { TALOS_WORKERS: workers }) };
      const how = { env, log: 'inherit', signal } as const;
      const starting = roles === 'all' ? startServer(how) : startRoles(roles, how);
      return { server: await withProgress(io, output, 'Starting', starting) };
    };
    return serveUntilStopped(io, output, start, async ({ server }) => {
      const isWhole = (options.roles ?? 'all') === 'all';
      output.result({ ok: true, pid: server.pid, ...server.ready }, () =>
        printReady(output, server.ready, isWhole),
      );
    });
  };
  withServerEnv(defineCommand(program, shell, text, up))
    .option('--roles <roles>', 'what this process is: some of kernel,gateway,audit (default: all)')
    .option('--workers <n>', 'threads that verify signatures (default: TALOS_WORKERS, or 0)');
}

const ROLES = /^(?:all|(?:kernel|gateway|audit)(?:,(?:kernel|gateway|audit))*)$/;

function assertRoles(roles: string): void {
  if (ROLES.test(roles)) return;
  throw new UsageError(
    `--roles takes no ${roles}`,
    'all, or some of kernel,gateway,audit with commas between them',
  );
}

interface UpOptions extends ServerEnvOptions {
  readonly roles?: string;
  readonly workers?: string;
}

/** Of roles there is no note of where they answer (`startRoles`): their next steps name it themselves. */
export function printReady(output: Output, ready: RolesReady, isWhole: boolean): void {
  const { color, line } = output;
  line(color.green('Talos is up.'));
  for (const [name, value] of [
    ['gateway', ready.gateway && `${ready.gateway}/mcp`],
    ['kernel', ready.kernel],
    ['audit', ready.audit],
    ['config', ready.config],
    ['data', ready.data],
    ['gateway DID', ready.gatewayDid],
    ['organisation', ready.organisationDid],
  ])
    if (value !== undefined) line(`  ${String(name).padEnd(13)} ${value}`);
  if (ready.kernel === undefined || ready.gateway === undefined) return;
  const data = `--data ${shellWord(ready.data)}`;
  const client = `claude mcp add --transport http talos ${ready.gateway}/mcp --header "Authorization: Bearer $(cat key.txt)"`;
  if (!isWhole) {
    output.next(`in another terminal, issue a key and use it with any MCP client:
  talos cap issue ${data} --kernel ${ready.kernel} --bearer --grant 'tool:*:read' --expires 8h --out key.txt
  ${client}
Tool servers and models stand in ${ready.config}; after a change:
  talos policy reload ${data} --gateway ${ready.gateway}
Ctrl-C stops these roles.`);
    return;
  }
  output.next(`in another terminal, put a tool server behind it and get a key for a client:
  talos mcp wrap ${data} --name files -- npx -y @modelcontextprotocol/server-filesystem "$PWD"
or a model, whose own key it asks for:
  talos llm add openai ${data} --cost 5.00USD --per day
or issue a key yourself and use it with any MCP client:
  talos cap issue ${data} --bearer --grant 'tool:*:read' --expires 8h --out key.txt
  ${client}
Ctrl-C stops the platform.`);
}
