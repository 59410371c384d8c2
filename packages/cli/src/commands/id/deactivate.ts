import { type CryptoProvider, encodeBase64url, signDeactivation } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { writePrivateFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { parseDid } from '../../grant/holder.js';
import { createIdentities, parseIdentityName } from '../../identities.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { deactivateWebvhIdentity, findWebvhIdentity } from '../../webvh-identity.js';

interface Options extends PlatformOptions {
  readonly out?: string;
  readonly log?: boolean;
}

const TEXT = {
  usage: 'deactivate <name-or-did>',
  summary: 'end an identity for ever',
  examples: [
    'talos id deactivate researcher',
    'talos id deactivate researcher --out researcher.end',
    'talos id deactivate did:key:z6Mk...',
  ],
  notes: [
    'By its own signature, or, for a DID whose key is elsewhere, as the administrator of the platform. It cannot be undone:',
    'its sessions end, and no capability in which it stands is accepted any more. --out writes the statement to a file to be',
    'kept for later. --log ends a did:webvh in its own log, for you to publish.',
  ],
};

/** `talos id deactivate`. */
export function addDeactivate(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const deactivate: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    const [who = ''] = args;
    if (options.log === true)
      return endLog(call, { data: dataFolder(io, options), name: parseIdentityName(who) }, crypto);
    const { data, kernel } = await openPlatform(io, options);
    if (who.startsWith('did:')) return end(call, parseDid(who), {}, kernel);
    const signer = await createIdentities(io, data, crypto).signer(who);
    const { gateway } = await kernel.wellKnown();
    const jti = encodeBase64url(io.random(16));
    const claims = { iss: signer.did, aud: gateway, iat: Math.floor(io.now() / 1000), jti };
    const statement = signDeactivation(claims, signer);
    if (options.out === undefined) return end(call, signer.did, { statement }, kernel);
    const file = await writePrivateFile(io, options.out, `${statement}\n`);
    output.result({ ok: true, did: signer.did, file }, () =>
      output.line(`Signed end of ${who} in ${file}; not in force.`),
    );
    output.next(
      `POST it as {"statement": ...} to /talos/v1/identities/${signer.did}/deactivation of the platform`,
    );
    return undefined;
  };
  withPlatform(defineCommand(id, shell, TEXT, deactivate), 'kernel')
    .option('--out <file>', 'write the signed statement instead of sending it')
    .option('--log', 'end a did:webvh in its log');
}

async function end(
  { io, output }: Invocation<Options>,
  did: string,
  body: { readonly statement?: string },
  kernel: Awaited<ReturnType<typeof openPlatform>>['kernel'],
) {
  const identity = await withProgress(io, output, 'Ending', kernel.deactivateIdentity(did, body));
  output.result({ ok: true, ...identity }, () => output.line(`${did} is ${identity.status}.`));
  output.next('talos audit tail shows what was refused since');
  return undefined;
}

async function endLog(
  { io, output }: Invocation<Options>,
  { data, name }: { readonly data: string; readonly name: string },
  crypto: CryptoProvider,
) {
  const place = { io, data, crypto };
  if ((await findWebvhIdentity(place, name)) === undefined)
    throw new UsageError('this identity has no log', 'leave --log out');
  const ended = await deactivateWebvhIdentity(place, name);
  output.result({ ok: true, ...ended }, () => output.line(`${ended.log} ends ${ended.did}.`));
  output.next(`publish ${ended.log} at ${ended.url}, then: talos id rotate ${name} --published`);
  return undefined;
}
