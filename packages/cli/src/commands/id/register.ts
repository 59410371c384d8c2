import { createChecker, IdentityKind } from '@talosprotocol/contracts';
import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { createIdentities } from '../../identities.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';

interface Options extends PlatformOptions {
  readonly kind?: string;
  readonly label?: string;
}

const checkKind = createChecker(IdentityKind);

const TEXT = {
  usage: 'register <name>',
  summary: 'register an identity with the platform, proving that you have its key',
  examples: ['talos id register researcher', 'talos id register acme --kind organisation --label "Acme Ltd"'],
};

/** `talos id register`: the platform learns who that is. */
export function addRegister(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const register: Handler<Options> = async ({ io, output, args: [name = ''], options }) => {
    const { kind = 'agent', label = name } = options;
    if (checkKind(kind) !== undefined)
      throw new UsageError('there is no such kind', 'agent, organisation or gateway');
    const { data, kernel } = await openPlatform(io, options);
    const signer = await createIdentities(io, data, crypto).signer(name);
    const work = kernel.registerSigner(signer, { kind: kind as IdentityKind, name: label });
    const identity = await withProgress(io, output, 'Registering', work);
    output.result({ ok: true, ...identity }, () =>
      output.line(`Registered ${identity.did} as ${identity.kind} "${identity.name}".`),
    );
    output.next(`what happens to it: talos id show ${name} --history`);
    return undefined;
  };
  withPlatform(defineCommand(id, shell, TEXT, register), 'kernel')
    .option('--kind <kind>', 'agent (default), organisation or gateway')
    .option('--label <text>', 'its name for people (default: <name>)');
}
