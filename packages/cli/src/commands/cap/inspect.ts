import { type CryptoProvider, describeCapability, type LinkDescription } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { readCapability } from '../../chain-source.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';
import { shellWord } from '../../shell-word.js';

/** `talos cap inspect`: says what a capability claims. */
export function addInspect(cap: Command, shell: Shell, crypto: CryptoProvider): void {
  const text = {
    usage: 'inspect <capability>',
    summary: 'say what a capability claims; nothing is verified',
    examples: ['talos cap inspect capability.txt', 'talos cap inspect - < key.txt'],
    notes: [
      'No network. <capability> is a chain, a file that holds a chain or bearer key, or - for standard input.',
    ],
  };
  const inspect: Handler<object> = async ({ io, output, args }) => {
    const { chain, key } = await readCapability(io, args[0] ?? '', crypto);
    const description = describeCapability(chain.chain, crypto);
    output.result({ ok: true, bearer: key !== undefined, ...description }, () => {
      const kind = key === undefined ? 'Chain' : 'Bearer key (its secret is not shown) with a chain';
      output.line(
        `${kind} of ${description.links.length}, ${description.bytes} bytes, cth ${description.cth}`,
      );
      for (const link of description.links) printLink(output, link);
      output.line(output.color.yellow('\nNot verified: anybody could have written this.'));
    });
    const given = args[0] ?? '';
    const named = given.length < 200 ? printable(shellWord(given)) : '<capability>';
    output.next(`verify it: talos cap verify ${named}`);
    return undefined;
  };
  defineCommand(cap, shell, text, inspect);
}

/** One link as people read it. */
function printLink(output: Output, { link, lid, claims, grants }: LinkDescription): void {
  const { iss, sub, prn, aud, exp, nbf, limits = [], dlg = 0, bearer, bearer_below, invoke } = claims;
  const facts: [string, string | undefined][] = [
    ['from', iss],
    ['to', sub],
    ['for', prn],
    ['gateways', aud?.join(', ')],
    ['from time', nbf === undefined ? undefined : isoTime(nbf)],
    ['until', isoTime(exp)],
    ...grants.map((grant): [string, string] => ['may', grant]),
    ...limits.map((limit): [string, string] => ['limit', JSON.stringify(limit)]),
    ['pass on', dlg === 0 ? 'no' : `${dlg} more`],
    ['key', bearer === true ? 'may be sent as a secret' : undefined],
    ['below', bearer_below === true ? 'links may be bearer keys' : undefined],
    ['use', invoke === false ? 'no, only to pass on' : undefined],
  ];
  output.line(`\n${output.color.bold(`Link ${link}${link === 1 ? ' (root)' : ''}`)}  ${lid}`);
  for (const [name, value] of facts)
    if (value !== undefined) output.line(`  ${name.padEnd(10)} ${printable(value)}`);
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
