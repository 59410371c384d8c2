import { type BelowRole, createChecker, Did, Hash43, type RevokeRequest } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  isRevocationBelow,
  parseRevocation,
  parseRevocationBelow,
  type Signer,
  signRevocation,
  signRevocationBelow,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { writePrivateFile } from '../../bounded-file.js';
import { readCapability } from '../../chain-source.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { parseCount } from '../../grant/duration.js';
import { createIdentities } from '../../identities.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { issueDeps } from './handover.js';

interface Options extends PlatformOptions {
  readonly as?: string;
  readonly link?: string;
  readonly out?: string;
  readonly belowSubject?: string;
  readonly belowIssuer?: string;
}

const checkLid = createChecker(Hash43);
const checkDid = createChecker(Did);

const TEXT = {
  usage: 'revoke [capability]',
  summary: 'revoke a link and everything below it, for ever',
  examples: [
    'talos cap revoke capability.txt',
    'talos cap revoke capability.txt --link 1 --as researcher',
    'talos cap revoke capability.txt --below-subject did:key:z6Mk...',
    'talos cap revoke --below-issuer did:key:z6Mk...',
  ],
  notes: [
    '<capability> is a chain, a file that holds one, - for standard input, or the lid of a link. As the administrator of the',
    'platform on the data folder, or with --as in the name of an identity that issued or holds the link. The platform is',
    'asked over the network; with --as and --out the signed revocation is only written to a file.',
    '--below-subject leaves the link and revokes all that a DID handed on below it; without <capability>, everywhere, which',
    'takes the administrator. --below-issuer does the same, and without <capability> revokes the roots it issued too.',
  ],
};

/** `talos cap revoke`: for ever, and with everything below. */
export function addRevoke(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const revoke: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    if (options.out !== undefined && options.as === undefined) throw new UsageError('--out needs --as');
    const request = await requestOf(call, crypto);
    if (options.out !== undefined && 'revocation' in request) {
      const file = await writePrivateFile(io, options.out, `${request.revocation}\n`);
      const lid = lidOf(request.revocation, crypto);
      output.result({ ok: true, lid, file }, () =>
        output.line(`Signed revocation of ${lid} in ${file}; not in force yet.`),
      );
      output.next('POST it as {"revocation": ...} to /talos/v1/revocations of the platform');
      return undefined;
    }
    const { kernel } = await openPlatform(io, options);
    const done = await withProgress(io, output, 'Revoking', kernel.revoke(request));
    const what =
      'lid' in done ? done.lid : `what ${done.rule.below} handed on below ${done.rule.point ?? 'any link'}`;
    output.result({ ok: true, ...done }, () =>
      output.line(`Revoked ${what}, in force since ${done.revoked}.`),
    );
    if ('lid' in done) output.next(`talos cap status ${done.lid}`);
    return undefined;
  };
  withPlatform(defineCommand(cap, shell, TEXT, revoke), 'kernel')
    .option('--link <number>', 'the link to revoke, or to revoke below; 1 is the root (default: the last)')
    .option('--below-subject <did>', 'keep the link; revoke what this DID handed on below it')
    .option('--below-issuer <did>', 'keep the link; revoke what this DID issued below it, roots too')
    .option('--as <name>', 'sign it with this identity of yours')
    .option('--out <file>', 'only write the signed revocation to a file');
}

function lidOf(revocation: string, crypto: CryptoProvider): string {
  const parse = isRevocationBelow(revocation) ? parseRevocationBelow : parseRevocation;
  return parse(revocation, crypto).claims.lid;
}

/** Whom `--below-subject` or `--below-issuer` names. */
function belowOf({ belowSubject, belowIssuer }: Options): { below: string; as: BelowRole } | undefined {
  if (belowSubject !== undefined && belowIssuer !== undefined)
    throw new UsageError('--below-subject and --below-issuer exclude each other');
  const below = belowSubject ?? belowIssuer;
  if (below === undefined) return undefined;
  if (checkDid(below) !== undefined) throw new UsageError(`${below} is no DID`);
  return { below, as: belowSubject === undefined ? 'issuer' : 'subject' };
}

async function requestOf(call: Invocation<Options>, crypto: CryptoProvider): Promise<RevokeRequest> {
  const { args, options } = call;
  const [source] = args;
  const rule = belowOf(options);
  if (source === undefined) {
    if (rule === undefined)
      throw new UsageError('what to revoke is missing', 'give a capability, or --below-subject');
    if (options.as !== undefined || options.link !== undefined)
      throw new UsageError('--as and --link need the chain');
    return rule;
  }
  if (checkLid(source) === undefined) {
    if (options.as !== undefined || options.link !== undefined)
      throw new UsageError('a lid says it all', '--as and --link need the chain');
    return rule === undefined ? { lid: source } : { ...rule, point: source };
  }
  return requestOfChain(call, source, crypto);
}

async function requestOfChain(
  { io, options }: Invocation<Options>,
  source: string,
  crypto: CryptoProvider,
): Promise<RevokeRequest> {
  const { chain } = await readCapability(io, source, crypto);
  const link = options.link === undefined ? chain.links.length : parseCount(options.link, 1, '--link');
  const revoked = chain.links[link - 1];
  if (revoked === undefined)
    throw new UsageError(`the chain has no link ${link}`, `it has ${chain.links.length}`);
  const rule = belowOf(options);
  if (options.as === undefined)
    return rule === undefined ? { lid: revoked.lid } : { ...rule, point: revoked.lid };
  const signer: Signer = await createIdentities(io, dataFolder(io, options), crypto).signer(options.as);
  const deps = issueDeps(io, crypto);
  if (rule === undefined) return { revocation: signRevocation({ chain, link }, signer, deps) };
  return { revocation: signRevocationBelow({ chain, link, ...rule }, signer, deps) };
}
