import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { createIdentities, parseIdentityName } from '../../identities.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { findWebvhIdentity } from '../../webvh-identity.js';
import { printEntry, printHistory, printWebvh } from './print.js';

interface Options extends PlatformOptions {
  readonly history?: boolean;
}

const TEXT = {
  usage: 'show <name>',
  summary: 'show one identity, with --history what the platform knows of it',
  examples: ['talos id show researcher', 'talos id show acme --history'],
};

/** `talos id show`. */
export function addShow(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const show: Handler<Options> = async ({ io, output, args: [name = ''], options }) => {
    const data = dataFolder(io, options);
    const entry = await createIdentities(io, data, crypto).show(name);
    const webvh = await findWebvhIdentity({ io, data, crypto }, parseIdentityName(name));
    const history = options.history === true ? await historyOf(entry.did) : undefined;
    output.result({ ok: true, ...entry, ...webvh, ...(history === undefined ? {} : { history }) }, () => {
      if (webvh === undefined) printEntry(output, entry);
      else printWebvh(output, webvh);
      if (history !== undefined) printHistory(output, history);
    });
    output.next(`give it something to do: talos cap issue --to ${name} --grant '<scope>:read'`);
    return undefined;

    async function historyOf(did: string) {
      const { kernel } = await openPlatform(io, options);
      return withProgress(io, output, 'Asking', kernel.identityHistory(did));
    }
  };
  withPlatform(defineCommand(id, shell, TEXT, show), 'kernel').option(
    '--history',
    'ask the platform what happened to it',
  );
}
