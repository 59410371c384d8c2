import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnnouncedTools } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { editTalosYaml } from '../../config-edit.js';
import {
  defineCommand,
  defineGroup,
  type Handler,
  type Invocation,
  type Shell,
} from '../../define-command.js';
import { openPlatform, type Platform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { parseServerName } from '../../talos-yaml.js';
import { UsageError } from '../../usage-error.js';
import { suggestServerName } from './server-command.js';
import { chooseTools, confirmTools, pinOf, printTools, stateOf } from './tool-choice.js';
import { startWithServer } from './wrapped-platform.js';

interface Options extends PlatformOptions {
  readonly yes?: boolean;
  readonly config?: string;
}

/** `talos mcp policy`: what the tools of a server may do, as a person confirmed it. */
export function addPolicy(mcp: Command, shell: Shell): void {
  const policy = defineGroup(
    mcp,
    'policy',
    'manifests and pins of tools: what they do, and that they stay as they are',
  );
  addSuggest(policy, shell);
  addConfirm(policy, shell);
}

function addSuggest(policy: Command, shell: Shell): void {
  const text = {
    usage: 'suggest [words...]',
    summary: 'propose manifests for the tools of a server, and show what changed since they were pinned',
    examples: [
      'talos mcp policy suggest files',
      'talos mcp policy suggest -- npx -y @modelcontextprotocol/server-filesystem /data',
    ],
    notes: [
      'Asks the platform on the data folder for a configured server; with -- and a command, starts that server on a platform of',
      'its own that is removed again. Nothing is changed. What a tool says of itself is not checked: that is for you to do.',
    ],
  };
  const suggest: Handler<Options> = async (call) => {
    const { output } = call;
    const found = await suggestions(call);
    const tools = found.tools.map((tool) => ({ ...tool, state: stateOf(tool) }));
    output.result({ ok: true, ...found, tools }, () => {
      printTools(output, output.line, found.tools);
      for (const name of found.missing) output.line(`${printable(name)}  pinned, but not announced any more`);
    });
    const step = nextOf(
      call.args,
      found.server,
      tools.every(({ state }) => state === 'pinned'),
    );
    output.next(step);
    return undefined;
  };
  withPlatform(defineCommand(policy, shell, text, suggest), 'gateway');
}

function nextOf(words: readonly string[], server: string, pinned: boolean): string {
  if (!isServerName(words)) return 'put it behind the gateway: talos mcp wrap -- <the same command>';
  return pinned
    ? `all are pinned as they are; let somebody use them: talos cap issue --bearer --grant 'tool:${server}:read' --out key.txt`
    : `talos mcp policy confirm ${server} <tool...>`;
}

/** One word is a configured server; a command has more, or a path in it. */
function isServerName(words: readonly string[]): boolean {
  return words.length === 1 && words[0]?.includes('/') === false;
}

async function suggestions(call: Invocation<Options>): Promise<AnnouncedTools> {
  const { io, output, args, options } = call;
  const [word] = args;
  if (word === undefined)
    throw new UsageError('which server?', 'name one of talos.yaml, or put a command after --');
  if (isServerName(args)) {
    const { gateway } = await openPlatform(io, options);
    return withProgress(io, output, 'Asking the server', gateway.tools(parseServerName(word)));
  }
  return withProgress(io, output, 'Starting the server', fromCommand(call));
}

async function fromCommand({ io, args }: Invocation<Options>): Promise<AnnouncedTools> {
  const folder = await mkdtemp(join(tmpdir(), 'talos-suggest-'));
  try {
    const name = suggestServerName(args);
    const ports = { kernelPort: '0', gatewayPort: '0', auditPort: '0' };
    const own = { ...io, env: { ...io.env, TALOS_CONFIG: undefined, TALOS_DATABASE_URL: undefined } };
    const { platform, server } = await startWithServer(own, { data: folder, ...ports }, name, args, [], {
      log: 'ignore',
    });
    try {
      return await platform.gateway.tools(name);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function addConfirm(policy: Command, shell: Shell): void {
  const text = {
    usage: 'confirm <server> [tools...]',
    summary: 'write manifests and pins of tools into talos.yaml and put them in force',
    examples: ['talos mcp policy confirm files read_text_file', 'talos mcp policy confirm files --yes'],
    notes: [
      'Asks the platform on the data folder. Without tools, all that are new or changed. A manifest that stands in talos.yaml is',
      'kept as it is and pinned for the tool as it is now; edit it there first if the proposal is wrong. Comments are kept.',
    ],
  };
  const confirm: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    const [server = '', ...names] = args;
    const platform = await openPlatform(io, options);
    const config = configOf(platform, options);
    const looking = platform.gateway.tools(parseServerName(server));
    const announced = await withProgress(io, output, 'Asking the server', looking);
    const tools = chooseTools(announced, names).filter((tool) => stateOf(tool) !== 'pinned');
    printTools(output, output.aside, tools);
    if (tools.length > 0) {
      await confirmTools(
        io,
        output,
        `Pin ${tools.length === 1 ? 'this tool' : `these ${tools.length} tools`}?`,
        options.yes,
      );
      const pins = Object.fromEntries(tools.map((tool) => [tool.name, pinOf(tool)]));
      await editTalosYaml(io, config, (yaml) => yaml.pinTools(server, pins));
      await platform.gateway.reloadPolicy();
    }
    const pinned = tools.map(({ name }) => name);
    output.result({ ok: true, server, config, pinned }, () =>
      output.line(
        pinned.length === 0
          ? 'Nothing to confirm: all are pinned as they are.'
          : `${pinned.length} pinned in ${config}, in force.`,
      ),
    );
    output.next(
      `let somebody use them: talos cap issue --bearer --grant 'tool:${server}:read' --out key.txt`,
    );
    return undefined;
  };
  withPlatform(defineCommand(policy, shell, text, confirm), 'gateway')
    .option('--yes', 'confirm what is listed without being asked')
    .option('--config <file>', 'the talos.yaml of a platform that was named with --gateway');
}

function configOf({ record }: Platform, { config }: Options): string {
  const path = config ?? record?.config;
  if (path !== undefined) return path;
  throw new UsageError('which talos.yaml?', 'add --config <file>');
}
