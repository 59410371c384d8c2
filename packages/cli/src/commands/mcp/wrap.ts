import type { Grant } from '@talosprotocol/contracts';
import { formatScope } from '@talosprotocol/protocol';
import type { AnnouncedTool } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { issueBearerFile } from '../../bearer-file.js';
import { collect } from '../../collect.js';
import { editTalosYaml } from '../../config-edit.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import type { ExitCode } from '../../exit-code.js';
import { parseDuration } from '../../grant/duration.js';
import type { Output } from '../../output.js';
import type { Platform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { type ServerEnvOptions, withServerEnv } from '../../server-env.js';
import { serveUntilStopped } from '../../serving.js';
import { untilStopped } from '../../stopping.js';
import { parseServerName } from '../../talos-yaml.js';
import { UsageError } from '../../usage-error.js';
import { serverOf, suggestServerName } from './server-command.js';
import { createSnippets, type Snippets } from './snippets.js';
import { confirmTools, opsOf, pinOf, printTools, stateOf } from './tool-choice.js';
import { addToRunning, orWithdraw, startWithServer, type WrappedPlatform } from './wrapped-platform.js';

interface Options extends ServerEnvOptions {
  readonly name?: string;
  readonly readOnly?: boolean;
  readonly yes?: boolean;
  readonly env?: readonly string[];
  readonly expires: string;
  readonly showKey?: boolean;
}

/** `talos mcp wrap`: one line that puts a stdio MCP server behind a capability check. */
export function addWrap(mcp: Command, shell: Shell): void {
  const text = {
    usage: 'wrap <command...>',
    summary: 'put any stdio MCP server behind the gateway, and get a key and snippets for clients',
    examples: [
      'talos mcp wrap -- npx -y @modelcontextprotocol/server-filesystem /data',
      'talos mcp wrap --name files --read-only --yes -- npx -y @modelcontextprotocol/server-filesystem /data',
    ],
    notes: [
      'Runs a platform with that server until Ctrl-C; if one runs on the data folder already, the server is added to it. The',
      'server is started in this folder and sees no variables but PATH, HOME, LANG, TMPDIR and those of --env. Its tools are',
      'listed with what they may do, for you to confirm, and pinned in talos.yaml. The key goes to a file of mode 0600 in the',
      'data folder, which the snippets name; --show-key puts it into them. Whoever has it can narrow it: talos cap attenuate.',
    ],
  };
  const wrap: Handler<Options> = async (call) => {
    const { io, args, options, output } = call;
    parseDuration(options.expires);
    const variables = options.env ?? [];
    serverOf(io, args, variables);
    const name = parseServerName(options.name ?? suggestServerName(args));
    const wasRunning = await untilStopped(io, async (signal) => {
      const running = await addToRunning(io, options, name, args, variables, signal);
      if (running !== undefined) await offer(call, running, name);
      return running !== undefined;
    });
    if (!wasRunning) return startAndOffer(call, name, variables);
    output.next('the platform that was running goes on serving it. Who did what: talos audit tail');
    return undefined;
  };
  withServerEnv(defineCommand(mcp, shell, text, wrap))
    .option('--name <name>', 'what to call the server (default: from its command)')
    .option('--read-only', 'only tools that are confirmed as changing nothing')
    .option('--yes', 'confirm what is listed without being asked')
    .option('--env <name>', 'a variable of ours the server may see (repeatable)', collect)
    .option('--expires <duration>', 'how long the key is valid', '24h')
    .option('--show-key', 'print the key in the snippets: whoever reads it can use it');
}

function startAndOffer(
  call: Invocation<Options>,
  name: string,
  variables: readonly string[],
): Promise<ExitCode> {
  const { io, output, args, options } = call;
  const start = (signal: AbortSignal) => {
    const starting = startWithServer(io, options, name, args, variables, { log: 'inherit', signal });
    return withProgress(io, output, 'Starting', starting);
  };
  return serveUntilStopped(io, output, start, async (started) => {
    await offer(call, started, name);
    output.next('use one of the snippets. Who did what: talos audit tail. Ctrl-C stops it.');
  });
}

/** From a server that is configured to a key for its confirmed tools; if it does not get there, as before. */
async function offer(call: Invocation<Options>, wrapped: WrappedPlatform, name: string): Promise<void> {
  await orWithdraw(wrapped.withdraw, () => confirmAndIssue(call, wrapped, name));
}

async function confirmAndIssue(
  call: Invocation<Options>,
  { platform, config }: WrappedPlatform,
  name: string,
): Promise<void> {
  const { io, output, options } = call;
  const announced = await withProgress(
    io,
    output,
    'Asking the server for its tools',
    platform.gateway.tools(name),
  );
  const tools = announced.tools.filter((tool) => options.readOnly !== true || isReadOnly(tool));
  if (tools.length === 0)
    throw new UsageError('there is no tool to offer', `the server announces ${announced.tools.length}`);
  await pin(call, platform, config, name, tools);
  const { key, file } = await issueBearerFile(io, platform, name, {
    grants: grantsOf(name, tools),
    seconds: parseDuration(options.expires),
  });
  const url = `${platform.record?.gateway ?? ''}/mcp/${name}`;
  const shown = options.showKey === true ? key : undefined;
  const snippets = createSnippets({ name, url, keyFile: file, key: shown });
  const names = tools.map((tool) => tool.name);
  output.result(
    {
      ok: true,
      server: name,
      url,
      config,
      key_file: file,
      ...(shown === undefined ? {} : { key }),
      tools: names,
      snippets,
    },
    () => printOffer(output, url, file, snippets),
  );
}

function isReadOnly(tool: AnnouncedTool): boolean {
  return !opsOf(pinOf(tool)).includes('write');
}

async function pin(
  { io, output, options }: Invocation<Options>,
  { gateway }: Platform,
  config: string,
  name: string,
  tools: readonly AnnouncedTool[],
): Promise<void> {
  const open = tools.filter((tool) => stateOf(tool) !== 'pinned');
  if (open.length === 0) return;
  printTools(output, output.aside, open);
  await confirmTools(io, output, `May they do that? This pins ${open.length} of them.`, options.yes);
  await editTalosYaml(io, config, (yaml) =>
    yaml.pinTools(name, Object.fromEntries(open.map((tool) => [tool.name, pinOf(tool)]))),
  );
  await gateway.reloadPolicy();
}

/** More grants than this make a key too long for comfort; the server as a whole is granted then. */
const MAX_GRANTS = 32;

/** What was confirmed, tool by tool. */
function grantsOf(name: string, tools: readonly AnnouncedTool[]): Grant[] {
  if (tools.length <= MAX_GRANTS)
    return tools.map((tool) => ({
      scope: formatScope('tool', [name, tool.name]).text,
      ops: [...opsOf(pinOf(tool))],
    }));
  const ops = [...new Set(tools.flatMap((tool) => opsOf(pinOf(tool))))];
  return [{ scope: formatScope('tool', [name]).text, ops }];
}

function printOffer({ line, color }: Output, url: string, file: string, snippets: Snippets): void {
  line(color.green(`\nBehind the gateway: ${url}`));
  line(`Key (Authorization: Bearer ...): ${file}`);
  const titles: Record<keyof Snippets, string> = {
    claude_code: 'Claude Code',
    cursor: 'Cursor: .cursor/mcp.json (with TALOS_KEY set to the key)',
    vscode: 'VS Code: .vscode/mcp.json',
    typescript: 'TypeScript',
    python: 'Python',
  };
  for (const [id, title] of Object.entries(titles)) {
    line(`\n${color.bold(title)}`);
    line(snippets[id as keyof Snippets]);
  }
}
