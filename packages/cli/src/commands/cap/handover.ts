import type { Finding } from '@talosprotocol/contracts';
import type { CryptoProvider, IssueDeps, ParsedChain } from '@talosprotocol/protocol';
import { writePrivateFile } from '../../bounded-file.js';
import { describeFinding } from '../../finding.js';
import type { LinkOptionValues } from '../../grant/link-options.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';

/** What issuing reads from outside. */
export function issueDeps(io: Io, crypto: CryptoProvider): IssueDeps {
  return { crypto, now: () => Math.floor(io.now() / 1000), randomBytes: io.random };
}

/** A capability that was made: `text` is the chain, or the bearer key. */
export interface Made {
  readonly chain: ParsedChain;
  readonly text: string;
}

/** Hands over what was made: to the file, or to standard output, alone, so that it can be piped. A bearer key got
 *  here only with `--out` or `--show-key`; with `--out` it is written nowhere else. `findings` say how it exceeds its
 *  parent. */
export async function handOver(
  io: Io,
  output: Output,
  { chain, text }: Made,
  { out, bearer, showKey }: LinkOptionValues,
  findings: readonly Finding[] = [],
): Promise<void> {
  const file = out === undefined ? undefined : await writePrivateFile(io, out, `${text}\n`);
  const { leaf, cth } = chain;
  const facts = { holder: leaf.claims.sub, expires: leaf.claims.exp, lid: leaf.lid, cth };
  const secret = bearer === true && showKey === true ? { key: text } : {};
  output.result(
    {
      ok: true,
      kind: bearer === true ? 'bearer' : 'chain',
      chain: chain.chain,
      ...secret,
      ...(file === undefined ? {} : { file }),
      ...facts,
      findings,
    },
    () => {
      if (file === undefined || showKey === true) output.line(text);
    },
  );
  output.aside(describe(chain, file, bearer === true, output));
}

/** Says what of a link will not count, since what stands above it does not allow it. */
export function warnOf(output: Output, findings: readonly Finding[]): void {
  for (const finding of findings)
    output.aside(output.color.yellow(`warning: ${describeFinding(finding)}, so it will not count`));
}

function describe(
  { leaf, links }: ParsedChain,
  file: string | undefined,
  bearer: boolean,
  output: Output,
): string {
  const what = bearer ? 'Bearer key' : 'Capability';
  const until = new Date(leaf.claims.exp * 1000).toISOString();
  const where = file === undefined ? '' : ` in ${file}`;
  return output.color.dim(
    `${what}${where}: link ${links.length}, held by ${leaf.claims.sub}, until ${until}, lid ${leaf.lid}`,
  );
}
