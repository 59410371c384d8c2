import {
  type Account,
  accountOfBundle,
  accountOfFailure,
  accountOfReceipt,
  type BundleFacts,
  type BundleReport,
  type Trust,
  type TrustError,
  type VerifiedReceipt,
} from '@talosprotocol/protocol';
import { describeFailure, type Output } from '../../output.js';
import { printable } from '../../printable.js';

/** What a bundle proved, on whose word, and what it did not. `earlier` is the size of the history it was found to
 *  continue. */
export function reportBundle(output: Output, report: BundleReport, trust: Trust, earlier?: number): void {
  const account = accountOfBundle(report, trust, earlier);
  const { calls: _calls, chains: _chains, earlier: _earlier, ...rest } = report;
  const facts = {
    ...rest,
    summed: Object.fromEntries(report.summed),
    runs: Object.fromEntries(report.runs),
  };
  output.result({ ...documentOf(account), kind: 'bundle', report: facts }, () =>
    printAccount(output, account, factLines(report)),
  );
}

/** The same of one receipt. */
export function reportReceipt(output: Output, receipt: VerifiedReceipt, trust: Trust): void {
  const { event, index, size, cosignatures, values } = receipt;
  const account = accountOfReceipt(receipt, trust);
  const facts = { index, size, cosignatures, event, disclosed: Object.fromEntries(values) };
  const disclosed = [...values].map(([pointer, value]) => [pointer, JSON.stringify(value)] as const);
  output.result({ ...documentOf(account), kind: 'receipt', ...facts }, () =>
    printAccount(output, account, [['record', event.id], ...disclosed]),
  );
}

/** The first check that failed, where, and what that means (AUD-21). */
export function reportFailure(output: Output, error: TrustError): void {
  const account = accountOfFailure(error);
  const { caveat, item, hint } = error.data;
  output.result({ ok: false, proven: false, error: describeFailure(error), shown: account.shown }, () => {
    output.line(output.color.red(`NOT PROVEN: ${account.headline}`));
    for (const text of account.shown) output.line(text);
    if (caveat !== undefined) output.line(`  check      ${printable(caveat)}`);
    if (item !== undefined) output.line(`  at         ${printable(item)}`);
    if (hint !== undefined) output.line(`  hint       ${printable(hint)}`);
  });
}

/** What a file holds though nobody vouches for it. */
export function reportUntrusted(output: Output, account: Account, consistent: BundleFacts | undefined): void {
  const error = {
    code: 'PROOF_NOT_PROVEN',
    message: 'Not proven: no trust file was given.',
    hint: 'add --trust <file>, got from somebody you trust and not with the bundle',
  };
  const facts = consistent === undefined ? {} : { consistent };
  output.result({ ok: false, proven: false, error, ...facts }, () => {
    output.line(output.color.red(`NOT PROVEN: ${account.headline}`));
    for (const text of account.shown) output.line(text);
    output.line('Whoever wrote the file could have made all of it.');
  });
}

function documentOf({ proven, headline, shown, notShown, trusted }: Account): object {
  return { ok: true, proven, headline, shown, notProven: notShown, trusted };
}

function factLines({ origin, from, to, size, root }: BundleReport): (readonly [string, string])[] {
  return [
    ['log', origin],
    ['records', `${from} to ${to - 1} of ${size}`],
    ['root', root],
  ];
}

function printAccount(output: Output, account: Account, facts: readonly (readonly [string, string])[]): void {
  const { color, line } = output;
  line(color.green(`PROVEN: ${account.headline}`));
  for (const [name, value] of facts) line(`  ${printable(name).padEnd(10)} ${printable(value)}`);
  line('Proven by it:');
  for (const text of account.shown) line(`  - ${text}`);
  line('Not proven by it:');
  for (const text of account.notShown) line(`  - ${text}`);
  line('On whose word, because your trust file says so:');
  for (const { role, name } of account.trusted) line(`  ${role.padEnd(10)} ${name}`);
}
