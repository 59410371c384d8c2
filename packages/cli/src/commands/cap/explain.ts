import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { AuthorizeRequest, Decision } from '@talosprotocol/contracts';
import { type CryptoProvider, isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { type AnchorsOptions, readAnchors, withAnchors } from '../../anchors-file.js';
import { readCapability } from '../../chain-source.js';
import { collect } from '../../collect.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { isRunning, readServerRecord } from '../../server-record.js';
import { UsageError } from '../../usage-error.js';
import { type AskedOptions, readAsked } from './asked.js';
import { type Explanation, explainOffline, type LinkVerdict } from './explanation.js';

interface Options extends AnchorsOptions, PlatformOptions, AskedOptions {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly aud?: string;
}

/** `talos cap explain`: decides without doing, and says why. */
export function addExplain(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'explain [capability]',
    summary: 'say whether a capability would allow something, and if not, why; nothing is used up',
    examples: [
      "talos cap explain capability.txt --action 'tool:files/method:read_text_file/resource:/data/a.txt:read' --trust trust.json",
      'talos cap explain --token-file key.txt --call files/read_text_file --arguments call.json --anchors talos.yaml',
      'talos cap explain capability.txt --call files/read_text_file --arguments \'{"path":"/data/a.txt"}\'',
    ],
    notes: [
      'With --trust or --anchors, or where no platform runs on the data folder, by its talos.yaml: no network, and a line for',
      'each link of a chain that verifies: which allows it, which refuses it and why. Else the platform decides, as it',
      'would a call. --call needs the manifests of the tools: those of the platform, or of the talos.yaml that --anchors',
      'names. What is left of limits is not looked at. A bearer key is read',
      'from a file or standard input, never from the command line. Offline it is taken to be shown to a gateway that it is',
      'for, unless --aud names one. Exit code 0 allowed, 2 denied.',
    ],
  };
  const explain: Handler<Options> = async (call) => {
    const { output } = call;
    const explanation = await decide(call, crypto);
    const { decision, items, links } = explanation;
    const allowed = decision.effect === 'allow';
    output.result({ ok: allowed, decision, items, ...(links && { links }) }, () => {
      printDecision(output, decision);
      if (links !== undefined) printLinks(output, links);
    });
    output.next(nextStep(allowed, explanation));
    return allowed ? EXIT.ok : EXIT.denied;
  };
  withAnchors(withPlatform(defineCommand(cap, shell, text, explain), 'kernel'))
    .option('--token <capability>', 'the capability, instead of naming it first')
    .option('--token-file <file>', 'the file that holds it, or - for standard input')
    .option('--aud <did>', 'offline: the gateway it would be shown to')
    .option('--action <scope:op>', 'what would be done, ending in :read or :write (repeatable)', collect)
    .option('--call <server/tool>', 'the tool that would be called')
    .option('--arguments <json or file>', 'its arguments: JSON, the name of a file, or - for standard input');
}

function sourceOf(named: string | undefined, { token, tokenFile }: Options): string {
  const [source, ...more] = [named, token, tokenFile].filter((one) => one !== undefined);
  if (source === undefined || more.length > 0)
    throw new UsageError('which capability?', 'name it once: first, with --token or with --token-file');
  if (tokenFile === undefined || /^(?:-$|[/.]|talos_)/.test(source)) return source;
  // What --token-file names is a file, even if it looks like a chain; a key is refused by whoever reads it.
  return `./${source}`;
}

async function decide(
  { io, output, args, options }: Invocation<Options>,
  crypto: CryptoProvider,
): Promise<Explanation> {
  const source = sourceOf(args[0], options);
  if (source === '-' && options.arguments === '-')
    throw new UsageError('standard input holds one thing', 'put the capability or the arguments into a file');
  const { chain } = await readCapability(io, source, crypto);
  const asked = await readAsked(io, options);
  const offline = { ...options, ...(await anchorsAtHand(io, options)) };
  const anchors = await readAnchors(io, offline, crypto);
  if (anchors !== undefined) return explainOffline({ io, options: offline, chain, asked, anchors, crypto });
  const kernel = await openPlatform(io, options)
    .then((platform) => platform.kernel)
    .catch(withOffline);
  const request = { chain: chain.chain, ...asked } as AuthorizeRequest;
  return withProgress(io, output, 'Asking the platform', kernel.authorize(request));
}

/** Whoever has no platform can be helped without one too. */
function withOffline(error: unknown): never {
  if (!isTrustError(error) || error.code !== 'UNAVAILABLE') throw error;
  const { reason = error.message, hint, ...data } = error.data;
  const offline = 'decide offline with --anchors talos.yaml or --trust <trust file>';
  throw new TrustError(
    error.code,
    reason,
    { ...data, hint: hint === undefined ? offline : `${offline}; or ${hint}` },
    error,
  );
}

/** Where no platform runs and none is named, the talos.yaml it would start with decides. */
async function anchorsAtHand(io: Io, options: Options): Promise<AnchorsOptions> {
  const { trust, anchors, kernel } = options;
  if (trust !== undefined || anchors !== undefined || kernel !== undefined) return {};
  const data = dataFolder(io, options);
  const record = await readServerRecord(data);
  if (record !== undefined && isRunning(record)) return {};
  const file = io.env['TALOS_CONFIG'] || join(data, 'talos.yaml');
  return existsSync(resolve(io.cwd, file)) ? { anchors: file } : {};
}

function nextStep(allowed: boolean, { links, offline }: Explanation): string {
  if (links === undefined && offline !== true)
    return 'see what each link says of it: add --anchors talos.yaml, or --trust with a trust file';
  return allowed
    ? 'do it; what was decided of a call afterwards: talos why <request-id>'
    : 'see what each link grants: talos cap inspect <capability>';
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

/** A line for each link. */
function printLinks(output: Output, links: readonly LinkVerdict[]): void {
  output.line(`\n  ${output.color.bold('link  says     of')}`);
  for (const { link, by, effect, code, item, caveat } of links) {
    const says = effect === 'allow' ? output.color.green('allowed') : output.color.red('denied ');
    const who = link === 0 ? `${by} (trust anchor)` : by;
    output.line(`  ${String(link).padEnd(5)} ${says}  ${printable(who)}`);
    const why = [code, item, caveat].filter((part) => part !== undefined).join('  ');
    if (why !== '') output.line(`                 ${printable(why)}`);
  }
}
