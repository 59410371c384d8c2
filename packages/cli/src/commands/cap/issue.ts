import type { Finding, IssueCapabilityRequest } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createSigner,
  formatBearerKey,
  issueBearer,
  issueCapability,
  lintAttenuation,
  type ParsedChain,
  parseBearerKey,
  parseChain,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { type AnchorsOptions, readAnchors, withAnchors } from '../../anchors-file.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { type GrantOptions, withGrants } from '../../grant/grant-options.js';
import { holderOf, parseDid } from '../../grant/holder.js';
import {
  checkKeyTarget,
  claimsOf,
  expiryOf,
  type LinkOptionValues,
  startOf,
  withLinkOptions,
} from '../../grant/link-options.js';
import { createIdentities } from '../../identities.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { readServerRecord } from '../../server-record.js';
import { shellWord } from '../../shell-word.js';
import { UsageError } from '../../usage-error.js';
import { handOver, issueDeps, type Made, warnOf } from './handover.js';

interface IssueOptions extends LinkOptionValues, PlatformOptions, AnchorsOptions {
  readonly as?: string;
  readonly prn?: string;
}

const DAY = 86_400;

/** `talos cap issue`: a root link, by the running platform or offline with an identity of one's own. */
export function addIssue(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'issue',
    summary: 'issue a capability, as the organisation of the running platform or offline with --as',
    examples: [
      "talos cap issue --to researcher --grant 'tool:files/method:read_text_file/resource:/data:read' --expires 8h --dlg 1",
      "talos cap issue --bearer --out key.txt --grant 'tool:files/method:*:read' --calls 100",
      "talos cap issue --to researcher --grant 'tool:search:read' --cost 5.00EUR --per day --rate 10/60s --limit 'calls=1000 per month'",
    ],
    notes: [
      'Without --as this asks the platform on the data folder, over the network of this machine. With --as <name>',
      'it is offline; such a capability counts where the DID of that identity is a trust anchor. The platform refuses what',
      'exceeds its trust anchor, and says all that does; offline, with --trust or --anchors, it is pointed out.',
      'Expires after 24 h unless --expires says otherwise. The chain alone opens nothing and is printed; a --bearer key',
      'is a secret and goes to --out <file> (mode 0600), or to the screen with --show-key.',
    ],
  };
  let grants: GrantOptions | undefined;
  const issue: Handler<IssueOptions> = async (call) => {
    const { io, output, options } = call;
    checkKeyTarget(options);
    checkAnchors(options);
    const granted = grants?.grants() ?? [];
    if (granted.length === 0) throw new UsageError('what may be done?', "add --grant '<scope>:<ops>'");
    const request = await requestOf(call, granted, crypto);
    const made = await (options.as === undefined
      ? withProgress(io, output, 'Asking the platform', fromPlatform(call, request, crypto))
      : offline(call, request, crypto));
    const findings = await findingsOf(call, made.chain, crypto);
    await handOver(io, output, made, options, findings);
    warnOf(output, findings);
    output.next(nextStep(options));
    return undefined;
  };
  const command = withAnchors(
    withPlatform(withLinkOptions(defineCommand(cap, shell, text, issue)), 'kernel'),
  );
  command
    .option('--as <name>', 'sign with this identity of yours, offline')
    .option('--prn <name>', 'for which person or organisation all this is done');
  grants = withGrants(command);
}

type Claims = Omit<IssueCapabilityRequest, 'sub' | 'bearer'> & { readonly sub?: string };

async function requestOf(
  { io, options }: Invocation<IssueOptions>,
  grants: IssueCapabilityRequest['grants'],
  crypto: CryptoProvider,
): Promise<Claims> {
  const identities = createIdentities(io, dataFolder(io, options), crypto);
  const exp = expiryOf(options, io.now()) ?? Math.floor(io.now() / 1000) + DAY;
  return {
    ...(options.to === undefined ? {} : { sub: await holderOf(identities, options.to) }),
    ...(options.aud === undefined ? {} : { aud: options.aud.map(parseDid) }),
    ...(options.prn === undefined ? {} : { prn: options.prn }),
    ...claimsOf(options),
    grants,
    exp,
    ...startOf(options, exp, io.now()),
  };
}

/** The seed of a bearer key is made here: the platform signs for its DID and never sees it. */
async function fromPlatform(
  { io, options }: Invocation<IssueOptions>,
  { sub, ...claims }: Claims,
  crypto: CryptoProvider,
): Promise<Made> {
  const { kernel } = await openPlatform(io, options);
  if (sub !== undefined) {
    const { chain } = await kernel.issueCapability({ ...claims, sub });
    return { chain: parseChain(chain, crypto), text: chain };
  }
  const seed = io.random(32);
  const { did } = createSigner(seed, crypto);
  const { chain } = await kernel.issueCapability({ ...claims, sub: did, bearer: true });
  return { chain: parseChain(chain, crypto), text: formatBearerKey(chain, seed) };
}

async function offline(
  { io, options }: Invocation<IssueOptions>,
  { sub, ...claims }: Claims,
  crypto: CryptoProvider,
): Promise<Made> {
  const data = dataFolder(io, options);
  const signer = await createIdentities(io, data, crypto).signer(options.as ?? '');
  const aud = claims.aud ?? (await lastGateway(data));
  const deps = issueDeps(io, crypto);
  if (sub === undefined) {
    const text = issueBearer({ ...claims, aud }, signer, deps);
    return { chain: parseBearerKey(text, crypto).chain, text };
  }
  const chain = issueCapability({ ...claims, sub, aud }, signer, deps);
  return { chain, text: chain.chain };
}

function checkAnchors({ as, trust, anchors }: IssueOptions): void {
  if (as === undefined && (trust !== undefined || anchors !== undefined))
    throw new UsageError('the platform asks its own policy', 'leave out --trust and --anchors, or add --as');
}

/** How an offline link exceeds the anchor it would hang below; nothing is known of that without a file of anchors. */
async function findingsOf(
  { io, options }: Invocation<IssueOptions>,
  { root }: ParsedChain,
  crypto: CryptoProvider,
): Promise<readonly Finding[]> {
  const anchors = await readAnchors(io, options, crypto);
  if (anchors === undefined) return [];
  const anchor = anchors.get(root.claims.iss);
  if (anchor !== undefined) return lintAttenuation(anchor.source, root.claims, crypto);
  return [{ at: 'iss', exceeds: 'scope', what: 'is no trust anchor there' }];
}

async function lastGateway(data: string): Promise<string[]> {
  const record = await readServerRecord(data);
  if (record !== undefined) return [record.gatewayDid];
  throw new UsageError('which gateway is it for?', 'add --aud <did>; talos up prints the DID of a gateway');
}

function nextStep({ bearer, out = 'capability.txt' }: IssueOptions): string {
  return bearer === true
    ? 'send it as Authorization: Bearer <key>, or narrow it: talos cap attenuate <file> --bearer --calls 5 --out narrower.txt'
    : `look at it with: talos cap inspect ${shellWord(out)}; pass part of it on with: talos cap attenuate --help`;
}
