import { createChecker, Hash43 } from '@talosprotocol/contracts';
import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { readCapability } from '../../chain-source.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';

const checkLid = createChecker(Hash43);

const TEXT = {
  usage: 'status <capability>',
  summary: 'say whether links are revoked, and where their status is published',
  examples: ['talos cap status capability.txt', 'talos cap status <lid>'],
  notes: [
    '<capability> is a chain, a file that holds one, - for standard input, or the lid of a link. Each link is asked for at',
    'the platform; "unknown" are links it did not issue and that nobody revoked there. A link below one that is revoked',
    'is refused with it. Exit code 2 if one of the links is revoked.',
  ],
};

/** `talos cap status`: what the platform says of each link. */
export function addStatus(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const status: Handler<PlatformOptions> = async (call) => {
    const { io, output, options } = call;
    const lids = await lidsOf(call, crypto);
    const { kernel } = await openPlatform(io, options);
    const asking = Promise.all(lids.map((lid) => kernel.capabilityStatus(lid)));
    const links = await withProgress(io, output, 'Asking', asking);
    const isRevoked = links.some(({ state }) => state === 'revoked');
    output.result({ ok: !isRevoked, links }, () => {
      for (const { lid, state, revoked, status_list } of links) {
        const since = revoked === undefined ? '' : ` since ${revoked}`;
        const place = status_list === undefined ? '' : `, index ${status_list.idx} of ${status_list.uri}`;
        output.line(`${lid} ${state}${since}${place}`);
      }
    });
    return isRevoked ? 2 : undefined;
  };
  withPlatform(defineCommand(cap, shell, TEXT, status), 'kernel');
}

async function lidsOf(
  { io, args }: Invocation<PlatformOptions>,
  crypto: CryptoProvider,
): Promise<readonly string[]> {
  const [source = ''] = args;
  if (checkLid(source) === undefined) return [source];
  const { chain } = await readCapability(io, source, crypto);
  return chain.links.map(({ lid }) => lid);
}
