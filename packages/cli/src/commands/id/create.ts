import type { CryptoProvider } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { createIdentities, parseIdentityName } from '../../identities.js';
import { dataFolder, type PlaceOptions, withPlace } from '../../place.js';
import { UsageError } from '../../usage-error.js';
import { createWebvhIdentity } from '../../webvh-identity.js';
import { printEntry, printWebvh } from './print.js';

interface Options extends PlaceOptions {
  readonly method?: string;
  readonly domain?: string;
  readonly path?: string;
  readonly portable?: boolean;
}

const TEXT = {
  usage: 'create <name>',
  summary: 'make an identity',
  examples: ['talos id create researcher', 'talos id create acme --method webvh --domain acme.example'],
  notes: [
    'The key is written to <data>/identities/<name>.key, mode 0600, encrypted if TALOS_KEY_PASSPHRASE is set.',
    'A did:webvh has a log, <data>/webvh/<name>.jsonl, that must be published at its domain; the key that signs its next',
    'version is made now and committed to, so that a stolen key alone cannot take the DID over.',
  ],
};

/** `talos id create`: a did:key, or a did:webvh with its log. No network. */
export function addCreate(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const create: Handler<Options> = async (call) => {
    const { method = 'key', domain } = call.options;
    if (method === 'webvh') return createWebvh(call, crypto);
    if (method !== 'key') throw new UsageError('there is no such method', '--method key or --method webvh');
    if (domain !== undefined) throw new UsageError('a did:key has no domain', 'add --method webvh');
    const { io, output, args, options } = call;
    const entry = await createIdentities(io, dataFolder(io, options), crypto).create(args[0] ?? '');
    output.result({ ok: true, ...entry }, () => printEntry(output, entry));
    output.next(`back it up: talos id backup ${entry.name} --out ${entry.name}.backup.json`);
    return undefined;
  };
  withPlace(defineCommand(id, shell, TEXT, create))
    .option('--method <method>', 'key (default) or webvh')
    .option('--domain <host[:port]>', 'where the log of a did:webvh will be published')
    .option('--path <path>', 'the folder it will lie in: dids/acme (default: /.well-known)')
    .option('--portable', 'let the DID move to another domain later');
}

async function createWebvh({ io, output, args, options }: Invocation<Options>, crypto: CryptoProvider) {
  const { domain, path, portable = false } = options;
  if (domain === undefined) throw new UsageError('where will its log be published?', 'add --domain <host>');
  const location = [
    domain.replace(':', '%3A'),
    ...(path?.split('/').filter((part) => part !== '') ?? []),
  ].join(':');
  const place = { io, data: dataFolder(io, options), crypto };
  const made = await createWebvhIdentity(place, parseIdentityName(args[0] ?? ''), { location, portable });
  output.result({ ok: true, ...made }, () => printWebvh(output, made));
  output.next(
    `publish ${made.log} at ${made.url}, name the DID in didWebvh.allow of talos.yaml, then: talos id register ${made.name} --kind organisation`,
  );
  return undefined;
}
