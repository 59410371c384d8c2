import { type CryptoProvider, TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { readBoundedFile, writePrivateFile } from '../../bounded-file.js';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import { createIdentities, parseIdentityName } from '../../identities.js';
import { allKeys, encodeBackup, type KeyPlace, restoreBackup } from '../../key-backup.js';
import { type PassphraseOptions, readPassphrase, withPassphrase } from '../../passphrase.js';
import { dataFolder, type PlaceOptions, withPlace } from '../../place.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { addCreate } from './create.js';
import { addDeactivate } from './deactivate.js';
import { addRegister } from './register.js';
import { addRotate } from './rotate.js';
import { addShow } from './show.js';

/** `talos id`: the keys a person keeps for agents and for themselves. No seed is ever printed; only what says so asks the
 *  platform. */
export function addIdCommands(program: Command, shell: Shell): void {
  const id = defineGroup(program, 'id', 'identities of yours (did:key, did:webvh), kept in the data folder');
  const crypto = createNodeCrypto();
  addCreate(id, shell, crypto);
  addRegister(id, shell, crypto);
  addList(id, shell, crypto);
  addShow(id, shell, crypto);
  addRotate(id, shell, crypto);
  addDeactivate(id, shell, crypto);
  addBackup(id, shell);
  addRestore(id, shell);
}

function addList(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = { usage: 'list', summary: 'list the identities there are', examples: ['talos id list'] };
  const list: Handler<PlaceOptions> = async ({ io, output, options }) => {
    const identities = await createIdentities(io, dataFolder(io, options), crypto).list();
    output.result({ ok: true, identities }, () => {
      for (const { name, did } of identities) output.line(`${name.padEnd(20)} ${did}`);
    });
    if (identities.length === 0) output.next('there are none yet; make one: talos id create <name>');
    return undefined;
  };
  withPlace(defineCommand(id, shell, text, list));
}

interface BackupOptions extends PlaceOptions, PassphraseOptions {
  readonly out?: string;
  readonly all?: boolean;
}

function addBackup(id: Command, shell: Shell): void {
  const text = {
    usage: 'backup [name]',
    summary: 'write an encrypted copy of a key, or with --all of every key of the data folder',
    examples: [
      'talos id backup researcher --out researcher.backup.json',
      'talos id backup --all --out all-keys.backup.json --passphrase-file passphrase.txt',
    ],
    notes: [
      'Encrypted with scrypt and AES-256-GCM. --all includes the keys of the platform: its organisation, gateway and log.',
    ],
  };
  const backup: Handler<BackupOptions> = async ({ io, output, args: [name], options }) => {
    if (options.out === undefined) throw new UsageError('where to?', 'add --out <file>');
    const data = dataFolder(io, options);
    const places = await placesToBackUp(data, name, options.all === true);
    const passphrase = await readPassphrase(io, options, true);
    const content = await withProgress(io, output, 'Encrypting', encodeBackup(io, data, places, passphrase));
    const file = await writePrivateFile(io, options.out, content);
    output.result({ ok: true, file, keys: places }, () => {
      output.line(`${places.length} ${places.length === 1 ? 'key' : 'keys'} written to ${file}, encrypted.`);
    });
    output.next(`keep it elsewhere. It is read again with: talos id restore ${options.out}`);
    return undefined;
  };
  withPassphrase(withPlace(defineCommand(id, shell, text, backup)))
    .option('--out <file>', 'the file to write, mode 0600')
    .option('--all', 'every key: identities and the platform itself');
}

async function placesToBackUp(
  data: string,
  name: string | undefined,
  all: boolean,
): Promise<readonly KeyPlace[]> {
  if ((name === undefined) !== all)
    throw new UsageError('which key?', 'name one identity, or say --all, not both');
  if (name !== undefined) return [{ folder: 'identities', name: parseIdentityName(name) }];
  const places = await allKeys(data);
  if (places.length > 0) return places;
  throw new TrustError('NOT_FOUND', `there are no keys in ${data}`, { hint: 'talos init makes some' });
}

function addRestore(id: Command, shell: Shell): void {
  const text = {
    usage: 'restore <file>',
    summary: 'put the keys of a backup back; a key that is there is never written over',
    examples: ['talos id restore all-keys.backup.json --passphrase-file passphrase.txt'],
  };
  const restore: Handler<PlaceOptions & PassphraseOptions> = async ({ io, output, args, options }) => {
    const [file = ''] = args;
    const bytes = await readBoundedFile(io, file, 1024 * 1024);
    const passphrase = await readPassphrase(io, options, false);
    const work = restoreBackup(io, dataFolder(io, options), bytes, passphrase, file);
    const restored = await withProgress(io, output, 'Decrypting', work);
    output.result({ ok: true, restored }, () => {
      for (const { file } of restored) output.line(`restored ${file}`);
    });
    output.next('talos id list');
    return undefined;
  };
  withPassphrase(withPlace(defineCommand(id, shell, text, restore)));
}
