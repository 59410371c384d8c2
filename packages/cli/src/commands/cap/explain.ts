import type { AuthorizeRequest, Decision, Item } from '@talosprotocol/contracts';
import {
  authorize,
  type CryptoProvider,
  parseItems,
  parseJsonObject,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { type AnchorsOptions, readAnchors, withAnchors } from '../../anchors-file.js';
import { readBoundedFile } from '../../bounded-file.js';
import { readCapability } from '../../chain-source.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';

interface Options extends AnchorsOptions, PlatformOptions {
  readonly token?: string;
  readonly action?: readonly string[];
  readonly call?: string;
  readonly arguments?: string;
}

const MAX_BYTES = 1024 * 1024;

/** `talos cap explain`: decides without doing, and says why. */
export function addExplain(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'explain [capability]',
    summary: 'say whether a capability would allow something, and if not, why; nothing is used up',
    examples: [
      "talos cap explain capability.txt --action 'tool:files/method:read_text_file/resource:/data/a.txt:read' --trust trust.json",
      'talos cap explain capability.txt --call files/read_text_file --arguments \'{"path":"/data/a.txt"}\'',
    ],
    notes: [
      'With --trust or --anchors: no network. Without: the platform on the data folder decides, as it would a call;',
      '--call needs the platform, which knows the manifests of the tools. Exit code 0 allowed, 2 denied.',
    ],
  };
  const explain: Handler<Options> = async (call) => {
    const { output } = call;
    const decision = await decide(call, crypto);
    const allowed = decision.effect === 'allow';
    output.result({ ok: allowed, decision }, () => printDecision(output, decision));
    return allowed ? EXIT.ok : EXIT.denied;
  };
  withAnchors(withPlatform(defineCommand(cap, shell, text, explain), 'kernel'))
    .option('--token <capability>', 'the capability, instead of naming it first')
    .option('--action <scope:op>', 'what would be done, ending in :read or :write (repeatable)', collect)
    .option('--call <server/tool>', 'the tool that would be called')
    .option('--arguments <json>', 'its arguments: JSON, or @ and the name of a file');
}

function sourceOf(named: string | undefined, { token }: Options): string {
  if ((named === undefined) === (token === undefined))
    throw new UsageError('which capability?', 'name it once, first or with --token');
  return token ?? named ?? '';
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function decide(
  { io, output, args, options }: Invocation<Options>,
  crypto: CryptoProvider,
): Promise<Decision> {
  const { chain } = await readCapability(io, sourceOf(args[0], options), crypto);
  const request = await requestOf({ io, options }, chain.chain);
  const anchors = await readAnchors(io, options, crypto);
  if (anchors === undefined) {
    const { kernel } = await openPlatform(io, options);
    return (await withProgress(io, output, 'Asking the platform', kernel.authorize(request))).decision;
  }
  if (!('items' in request))
    throw new UsageError('--call needs the platform', 'offline, say --action <scope:op>');
  const capability = verifyCapabilityAsOf(chain, { time: Math.floor(io.now() / 1000), anchors, crypto });
  return authorize(
    capability,
    parseItems(request.items),
    parseJsonObject(JSON.stringify(request.arguments ?? {}), { floats: true }),
  );
}

async function requestOf(
  { io, options }: Pick<Invocation<Options>, 'io' | 'options'>,
  chain: string,
): Promise<AuthorizeRequest> {
  const { action = [], call, arguments: text = '{}' } = options;
  const source = text.startsWith('@') ? await readBoundedFile(io, text.slice(1), MAX_BYTES) : text;
  const given = { ...parseJsonObject(source, { floats: true, maxBytes: MAX_BYTES }) };
  if ((call === undefined) === (action.length === 0))
    throw new UsageError('what would be done?', 'say --action or --call, not both');
  if (call === undefined) return { chain, items: action.map(parseAction), arguments: given };
  const slash = call.indexOf('/');
  if (slash < 1) throw new UsageError('--call takes <server>/<tool>');
  return { chain, call: { server: call.slice(0, slash), tool: call.slice(slash + 1) }, arguments: given };
}

function parseAction(text: string): Item {
  const end = text.lastIndexOf(':');
  const op = text.slice(end + 1);
  if (op === 'read' || op === 'write') return { scope: text.slice(0, end), op };
  throw new UsageError(`not an action: ${text}`, 'a scope, a colon and read or write');
}

/** A decision as people read it. */
function printDecision(output: Output, decision: Decision): void {
  if (decision.effect === 'allow') {
    output.line(output.color.green('Allowed.'));
    return;
  }
  const { code, link, item, caveat, hint } = decision;
  output.line(output.color.red(`Denied: ${code}`));
  const where = link === undefined ? undefined : link === 0 ? '0, the trust anchor' : String(link);
  for (const [name, value] of Object.entries({ link: where, item, caveat, hint }))
    if (value !== undefined) output.line(`  ${name.padEnd(7)} ${printable(value)}`);
}
