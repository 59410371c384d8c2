import type { Finding } from '@talosprotocol/contracts';
import {
  type AttenuateOptions,
  attenuate,
  attenuateToBearer,
  type CryptoProvider,
  lintAttenuation,
  type ParsedChain,
  parseBearerKey,
  type Signer,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { type GivenCapability, readCapability } from '../../chain-source.js';
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
import { dataFolder, type PlaceOptions, withPlace } from '../../place.js';
import { shellWord } from '../../shell-word.js';
import { UsageError } from '../../usage-error.js';
import { handOver, issueDeps, type Made, warnOf } from './handover.js';

interface Options extends LinkOptionValues, PlaceOptions {
  readonly as?: string;
}

/** `talos cap attenuate`: passes part of a capability on, offline. */
export function addAttenuate(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'attenuate <capability>',
    summary: 'pass part of a capability on, offline',
    examples: [
      "talos cap attenuate capability.txt --as researcher --to reader --grant 'tool:files/method:read_text_file/resource:/data/a:read' --calls 5 --expires 15m",
      "talos cap attenuate key.txt --bearer --out narrower.txt --where '/path within /data/a'",
    ],
    notes: [
      'No network. <capability> is a chain, a file that holds one, or - for standard input; a bearer key only from a file or',
      'standard input. What is not said stays as the parent has it, but --dlg, which is 0. --where and --only without a',
      '--grant narrow every grant of the parent. A wider grant than the parent has is worth nothing, and is pointed out.',
    ],
  };
  let grants: GrantOptions | undefined;
  const handler: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    checkKeyTarget(options);
    const given = await readCapability(io, args[0] ?? '', crypto);
    const signer = await signerOf(call, given, crypto);
    const made = await narrow(call, given.chain, grants, signer, crypto);
    const findings = findingsOf(made.chain, crypto);
    await handOver(io, output, made, options, findings);
    warnOf(output, findings);
    output.next(`look at it with: talos cap inspect ${shellWord(options.out ?? 'narrower.txt')}`);
    return undefined;
  };
  const command = withPlace(withLinkOptions(defineCommand(cap, shell, text, handler)));
  command.option(
    '--as <name>',
    'the identity of yours that holds it (not for a bearer key, which is its own)',
  );
  grants = withGrants(command);
}

async function signerOf(
  { io, options }: Invocation<Options>,
  { key }: GivenCapability,
  crypto: CryptoProvider,
): Promise<Signer> {
  if (key !== undefined && options.as !== undefined)
    throw new UsageError('a bearer key signs for itself', 'leave out --as');
  if (key !== undefined) return key.createSigner();
  if (options.as === undefined)
    throw new UsageError('who holds it?', 'add --as <name of an identity of yours>');
  return createIdentities(io, dataFolder(io, options), crypto).signer(options.as);
}

async function narrow(
  { io, options }: Invocation<Options>,
  parent: ParsedChain,
  grants: GrantOptions | undefined,
  signer: Signer,
  crypto: CryptoProvider,
): Promise<Made> {
  const given = grants?.grants(parent.leaf.claims.grants) ?? [];
  const exp = expiryOf(options, io.now()) ?? parent.leaf.claims.exp;
  const link: Omit<AttenuateOptions, 'sub'> = {
    ...claimsOf(options),
    grants: given.length === 0 ? 'same' : given,
    exp,
    ...startOf(options, exp, io.now()),
    ...audience(options, parent),
  };
  const deps = issueDeps(io, crypto);
  if (options.to === undefined) {
    const text = attenuateToBearer(parent, link, signer, deps);
    return { chain: parseBearerKey(text, crypto).chain, text };
  }
  const identities = createIdentities(io, dataFolder(io, options), crypto);
  const chain = attenuate(parent, { ...link, sub: await holderOf(identities, options.to) }, signer, deps);
  return { chain, text: chain.chain };
}

/** A bearer link states its gateways (CAP-1): unless others are named, those of the nearest link that does. */
function audience({ aud, bearer }: Options, { links }: ParsedChain): { aud?: readonly string[] } {
  if (aud !== undefined) return { aud: aud.map(parseDid) };
  const stated = links.findLast(({ claims }) => claims.aud !== undefined)?.claims.aud;
  return bearer === true && stated !== undefined ? { aud: stated } : {};
}

function findingsOf({ links, leaf }: ParsedChain, crypto: CryptoProvider): readonly Finding[] {
  const parent = links.at(-2);
  return parent === undefined ? [] : lintAttenuation(parent.claims, leaf.claims, crypto);
}
