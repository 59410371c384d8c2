import type { PinnedTool, ToolManifest, ToolResource } from '@talosprotocol/contracts';
import { moneyOf } from '@talosprotocol/protocol';
import type { AnnouncedTool, AnnouncedTools } from '@talosprotocol/sdk';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';
import { UsageError } from '../../usage-error.js';

/** What would be pinned for a tool: the operator's own manifest where there is one, with the pin of the tool as it is
 *  now; else the proposal. */
export function pinOf({ proposed, pinned }: AnnouncedTool): PinnedTool {
  if (pinned === undefined) return { ...proposed.manifest, pin: proposed.pin };
  return { ...pinned.manifest, pin: pinned.computed };
}

/** Where a tool stands. */
export function stateOf({ pinned }: AnnouncedTool): 'new' | 'pinned' | 'changed' {
  if (pinned === undefined) return 'new';
  return pinned.matches ? 'pinned' : 'changed';
}

/** The tools of these names, or all. @throws {UsageError} one is not announced */
export function chooseTools(
  { tools, server }: AnnouncedTools,
  names: readonly string[],
): readonly AnnouncedTool[] {
  if (names.length === 0) return tools;
  return [...new Set(names)].map((name) => {
    const tool = tools.find((announced) => announced.name === name);
    if (tool !== undefined) return tool;
    throw new UsageError(
      `${server} announces no tool ${name}`,
      `talos mcp policy suggest ${server} lists them`,
    );
  });
}

/** Operations a call of the tool can need. */
export function opsOf({ op, resources }: ToolManifest): readonly ('read' | 'write')[] {
  const ops = new Set([op, ...resources.map((resource) => resource.op ?? op)]);
  return (['read', 'write'] as const).filter((known) => ops.has(known));
}

/** Shows tools with their manifests, by `print`. All text of the tool is the server's own word, and is shown as such. */
export function printTools(
  { color }: Output,
  print: (text: string) => void,
  tools: readonly AnnouncedTool[],
): void {
  for (const tool of tools) printTool(color, print, tool);
}

function printTool(color: Output['color'], print: (text: string) => void, tool: AnnouncedTool): void {
  const { op, resources, cost } = pinOf(tool);
  const state = stateOf(tool);
  const mark = state === 'changed' ? color.red('CHANGED') : state === 'new' ? 'new' : color.green('pinned');
  print(`${color.bold(printable(tool.name))}  ${op}  ${mark}`);
  for (const line of [...resources.map(describeResource), ...describePrice(cost)]) print(`    ${line}`);
  if (state === 'new') for (const note of tool.proposed.notes) print(color.dim(`    ${printable(note)}`));
  for (const { member, was, is } of tool.pinned?.changes ?? []) {
    print(color.yellow(`    ${printable(member)} was ${printable(was ?? '(absent)')}`));
    print(color.yellow(`    ${printable(member)} is  ${printable(is ?? '(absent)')}`));
  }
}

function describeResource({ ptr, kind, required, resolve }: ToolResource): string {
  const facts = [kind, required ? 'required' : 'optional', resolve === undefined ? [] : 'real path'].flat();
  return `${printable(ptr)}: ${facts.join(', ')}`;
}

function describePrice(cost: ToolManifest['cost']): readonly string[] {
  return cost === undefined ? [] : [`costs ${moneyOf(String(cost.amount))} ${cost.currency} a call`];
}

/** Asks a person to confirm; `--yes` is an answer given before.
 *  @throws {UsageError} nobody to ask, or the answer is no */
export async function confirmTools(
  io: Io,
  output: Output,
  question: string,
  yes: boolean | undefined,
): Promise<void> {
  if (yes === true) return;
  // With --json the list was not shown, so nobody could answer for it.
  if (io.ask === undefined || output.json)
    throw new UsageError('a person must confirm what the tools may do', 'look at the list, then add --yes');
  if (await io.ask.confirm(question)) return;
  throw new UsageError(
    'nothing was confirmed',
    'talos mcp policy confirm <server> <tool...> confirms single tools',
  );
}
