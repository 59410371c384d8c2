import { type CryptoProvider, encodeBase64url, signRotation, signSuccession } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { createIdentities, parseIdentityName } from '../../identities.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { findWebvhIdentity, rotateWebvhIdentity } from '../../webvh-identity.js';
import { printWebvh } from './print.js';

interface Options extends PlatformOptions {
  readonly to?: string;
  readonly published?: boolean;
}

const TEXT = {
  usage: 'rotate <name>',
  summary: 'give an identity a new key',
  examples: [
    'talos id rotate researcher --to researcher-2',
    'talos id rotate acme',
    'talos id rotate acme --published',
  ],
  notes: [
    'A did:key is its key: another identity takes over, named by --to, both sign, and the platform refuses the former from',
    'then on. A did:webvh keeps its name: a new entry is added to its log, which you publish; --published tells the platform',
    'to look at what is published now and to use it at once.',
  ],
};

/** `talos id rotate`. */
export function addRotate(id: Command, shell: Shell, crypto: CryptoProvider): void {
  const rotate: Handler<Options> = async (call) => {
    const { io, args, options } = call;
    const name = parseIdentityName(args[0] ?? '');
    const place = { io, data: dataFolder(io, options), crypto };
    const webvh = await findWebvhIdentity(place, name);
    if (options.published === true) return tellPublished(call, name, crypto);
    if (webvh === undefined) return handOver(call, name, crypto);
    if (options.to !== undefined) throw new UsageError('a did:webvh keeps its name', 'leave --to out');
    const rotated = await rotateWebvhIdentity(place, name);
    call.output.result({ ok: true, ...rotated }, () => printWebvh(call.output, rotated));
    call.output.next(`publish ${rotated.log} at ${rotated.url}, then: talos id rotate ${name} --published`);
    return undefined;
  };
  withPlatform(defineCommand(id, shell, TEXT, rotate), 'kernel')
    .option('--to <name>', 'the identity that takes over from a did:key')
    .option('--published', 'have the platform fetch the published log or document now');
}

async function handOver({ io, output, options }: Invocation<Options>, name: string, crypto: CryptoProvider) {
  if (options.to === undefined)
    throw new UsageError('who takes over?', `talos id create ${name}-2, then add --to ${name}-2`);
  const { data, kernel } = await openPlatform(io, options);
  const identities = createIdentities(io, data, crypto);
  const [from, to] = [await identities.signer(name), await identities.signer(options.to)];
  const { gateway } = await kernel.wellKnown();
  const stated = () => ({
    aud: gateway,
    iat: Math.floor(io.now() / 1000),
    jti: encodeBase64url(io.random(16)),
  });
  const statement = signRotation({ ...stated(), iss: from.did, sub: to.did }, from);
  const succession = signSuccession(statement, { ...stated(), iss: to.did, sub: from.did }, to, crypto);
  const work = kernel.rotateIdentity(from.did, { statement, succession });
  const identity = await withProgress(io, output, 'Rotating', work);
  output.result({ ok: true, ...identity }, () =>
    output.line(`${options.to} took over from ${name}, which is refused from now on.`),
  );
  output.next(`issue anew what ${name} held: talos cap issue --to ${options.to} --grant '<scope>:read'`);
  return undefined;
}

async function tellPublished(
  { io, output, options }: Invocation<Options>,
  name: string,
  crypto: CryptoProvider,
) {
  const { data, kernel } = await openPlatform(io, options);
  const { did } = await createIdentities(io, data, crypto).show(name);
  const identity = await withProgress(io, output, 'Fetching', kernel.rotateIdentity(did, {}));
  output.result({ ok: true, ...identity }, () =>
    output.line(`The platform uses what ${did} publishes now (${identity.status}).`),
  );
  output.next(`talos id show ${name} --history`);
  return undefined;
}
