import { createChecker, Hash43, type RevokeRequest } from '@talosprotocol/contracts';
import { type CryptoProvider, parseRevocation, signRevocation } from '@talosprotocol/protocol';
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
}

const checkLid = createChecker(Hash43);

/** `talos cap revoke`: for ever, and with everything below. */
export function addRevoke(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'revoke <capability>',
    summary: 'revoke a link and everything below it, for ever',
    examples: ['talos cap revoke capability.txt', 'talos cap revoke capability.txt --link 1 --as researcher'],
    notes: [
      '<capability> is a chain, a file that holds one, - for standard input, or the lid of a link. As the administrator of the',
      'platform on the data folder, or with --as in the name of an identity that issued or holds the link. The platform is',
      'asked over the network; with --as and --out the signed revocation is only written to a file.',
    ],
  };
  const revoke: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    if (options.out !== undefined && options.as === undefined) throw new UsageError('--out needs --as');
    const request = await requestOf(call, crypto);
    if (options.out !== undefined && 'revocation' in request) {
      const file = await writePrivateFile(io, options.out, `${request.revocation}\n`);
      const { lid } = parseRevocation(request.revocation, crypto).claims;
      output.result({ ok: true, lid, file }, () =>
        output.line(`Signed revocation of ${lid} in ${file}; not in force yet.`),
      );
      output.next('POST it as {"revocation": ...} to /talos/v1/revocations of the platform');
      return undefined;
    }
    const { kernel } = await openPlatform(io, options);
    const done = await withProgress(io, output, 'Revoking', kernel.revoke(request));
    output.result({ ok: true, ...done }, () =>
      output.line(`Revoked ${done.lid}, in force since ${done.revoked}.`),
    );
    return undefined;
  };
  withPlatform(defineCommand(cap, shell, text, revoke), 'kernel')
    .option('--link <number>', 'the link to revoke; 1 is the root (default: the last)')
    .option('--as <name>', 'sign it with this identity of yours')
    .option('--out <file>', 'only write the signed revocation to a file');
}

async function requestOf(
  { io, args, options }: Invocation<Options>,
  crypto: CryptoProvider,
): Promise<RevokeRequest> {
  const [source = ''] = args;
  if (checkLid(source) === undefined) {
    if (options.as !== undefined || options.link !== undefined)
      throw new UsageError('a lid says it all', '--as and --link need the chain');
    return { lid: source };
  }
  const { chain } = await readCapability(io, source, crypto);
  const link = options.link === undefined ? chain.links.length : parseCount(options.link, 1, '--link');
  const revoked = chain.links[link - 1];
  if (revoked === undefined)
    throw new UsageError(`the chain has no link ${link}`, `it has ${chain.links.length}`);
  if (options.as === undefined) return { lid: revoked.lid };
  const signer = await createIdentities(io, dataFolder(io, options), crypto).signer(options.as);
  return { revocation: signRevocation({ chain, link }, signer, issueDeps(io, crypto)) };
}
