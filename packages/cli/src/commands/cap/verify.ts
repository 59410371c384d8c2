import {
  type CryptoProvider,
  TrustError,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { type AnchorsOptions, readAnchors, withAnchors } from '../../anchors-file.js';
import { readCapability } from '../../chain-source.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { parseDid } from '../../grant/holder.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';

interface Options extends AnchorsOptions, PlatformOptions {
  readonly audience?: string;
}

/** `talos cap verify`: checks the signatures, the delegation, the times and the anchor of a capability. */
export function addVerify(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'verify <capability>',
    summary: 'verify a capability, against the running platform or offline with --trust or --anchors',
    examples: ['talos cap verify capability.txt --trust trust.json', 'talos cap verify capability.txt'],
    notes: [
      'With --trust or --anchors: no network; signatures, delegation, times and the anchor are checked, revocation is not.',
      'Without: the platform on the data folder is asked, which also knows what was revoked and which gateway it is.',
      'Exit code 0 valid, 2 refused, 3 a signature does not verify, 1 not a capability.',
    ],
  };
  const verify: Handler<Options> = async ({ io, output, args, options }) => {
    const { chain } = await readCapability(io, args[0] ?? '', crypto);
    const anchors = await readAnchors(io, options, crypto);
    const facts = { cth: chain.cth, holder: chain.leaf.claims.sub, links: chain.links.length };
    if (anchors === undefined) {
      const { kernel } = await openPlatform(io, options);
      await withProgress(io, output, 'Asking the platform', askPlatform(kernel, chain.chain));
      output.result({ ok: true, ...facts, revocation: 'checked' }, () =>
        output.line(output.color.green('Valid at the platform, and no link of it is revoked.')),
      );
      return undefined;
    }
    const time = Math.floor(io.now() / 1000);
    const audience = options.audience === undefined ? {} : { audience: parseDid(options.audience) };
    const capability = verifyCapabilityAsOf(chain, { time, anchors, crypto, ...audience });
    output.result({ ok: true, ...facts, ...factsOf(capability), revocation: 'not checked' }, () => {
      output.line(output.color.green(`Valid: ${facts.links} links, held by ${facts.holder}.`));
      output.line(`Anchor ${capability.anchor.iss}, tenant ${capability.tenant}.`);
      output.line(
        'Not checked: whether a link was revoked. The platform knows: talos cap verify without --trust.',
      );
    });
    return undefined;
  };
  withAnchors(withPlatform(defineCommand(cap, shell, text, verify), 'kernel')).option(
    '--audience <did>',
    'offline: also check that it is for this gateway',
  );
}

function factsOf({ anchor, tenant, expires }: VerifiedCapability): object {
  return { anchor: anchor.iss, tenant, expires };
}

/** An item no grant is about: the kernel verifies the chain before it looks for one. */
const PROBE = { scope: 'admin:talos-cap-verify/action:none', op: 'read' } as const;
/** What is said only of a chain that verified. */
const AFTER: ReadonlySet<string> = new Set(['SCOPE_MISMATCH', 'CONSTRAINT_VIOLATED', 'BUDGET_EXCEEDED']);

async function askPlatform(
  kernel: Awaited<ReturnType<typeof openPlatform>>['kernel'],
  chain: string,
): Promise<void> {
  const { decision } = await kernel.authorize({ chain, items: [PROBE], arguments: {} });
  if (decision.effect === 'allow' || AFTER.has(decision.code)) return;
  const { code, hint, link } = decision;
  throw new TrustError(code, 'the platform refuses this capability', {
    hint,
    ...(link === undefined ? {} : { link }),
  });
}
