import { Budget, createChecker } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { collect } from '../../collect.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { parseCount, parseDuration } from '../../grant/duration.js';
import { parseMoney } from '../../money.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy } from '../../policy-change.js';
import { UsageError } from '../../usage-error.js';

interface Options extends PlatformOptions {
  readonly cost?: string;
  readonly tokens?: string;
  readonly calls?: string;
  readonly per?: string;
  readonly zone?: string;
  readonly for?: string;
  readonly only?: readonly string[];
  readonly surface?: string;
  readonly model?: string;
  readonly server?: string;
  readonly mode?: string;
  readonly warnAt?: readonly string[];
  readonly until?: string;
}

/** What is set of a budget. */
type Members = Partial<Omit<Budget, 'name'>>;
type Amounts = Pick<Budget, 'cost' | 'tokens' | 'calls'>;

const checkBudget = createChecker(Budget);

/** `talos budget set`: how much may be spent by whom, in talos.yaml and in force. */
export function addSet(budget: Command, shell: Shell): void {
  const text = {
    usage: 'set <name>',
    summary: 'set a budget of the operator, and put it in force',
    examples: [
      'talos budget set everybody --cost 500.00EUR --per month --zone Europe/Berlin',
      'talos budget set each-key --for key --calls 1000 --per day',
      'talos budget set large-models --model openai/gpt-5* --tokens 2000000 --per day --mode warn',
      'talos budget set everybody --cost 800.00EUR --until 3d',
    ],
    notes: [
      'A name that is there already keeps what is not named. With --until the amounts are in the place of the usual ones for so',
      'long, and then those hold again; amounts without it end that. What was spent in a period counts, whatever is set. Changes',
      'talos.yaml, comments kept, and puts it in force on the platform that runs on the data folder. To take a member away:',
      'talos budget remove, and set it again, which keeps what was counted.',
    ],
  };
  const set: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    const [name = ''] = args;
    const members = membersOf(options, io.now());
    const platform = await openPlatform(io, options);
    let whole: Budget | undefined;
    const config = await changePolicy(call, platform, (yaml) => {
      const before = yaml.policy.budgets?.find((one) => one.name === name);
      whole = checked(name, before, members, io.now());
      yaml.setBudget(whole);
    });
    output.result({ ok: true, budget: whole, config }, () =>
      output.line(output.color.green(`In force: ${name}.`)),
    );
    output.next(`what is used and left: talos budget status --budget ${name}`);
    return undefined;
  };
  withPlatform(defineCommand(budget, shell, text, set), 'gateway')
    .option('--cost <amount>', 'how much money calls may cost: 5.00USD')
    .option('--tokens <number>', 'how many tokens calls may take')
    .option('--calls <number>', 'how many calls there may be')
    .option('--per <period>', 'total, day or month (default: total)')
    .option('--zone <zone>', 'time zone of its days and months (default: UTC)')
    .option('--for <whom>', 'all together, or each organization, principal, key, team or tag (default: all)')
    .option('--only <one>', 'only this one of them (repeatable)', collect)
    .option('--surface <surface>', 'only calls of models (llm) or of tools (mcp)')
    .option('--model <model>', 'only this model: <provider>/<model>, or how such names begin and a *')
    .option('--server <name>', 'only this tool server')
    .option('--mode <mode>', 'hard, warn or off (default: hard)')
    .option('--warn-at <percent>', 'say it when so much is used (repeatable; default: 80 and 100)', collect)
    .option('--until <duration>', 'the amounts hold for so long only: 24h');
}

/** @throws {UsageError} */
function membersOf(options: Options, nowMs: number): Members {
  const { until, warnAt, per, zone, for: whom, only, surface, model, server, mode } = options;
  if (model !== undefined && !MODEL.test(model))
    throw new UsageError(
      `not a model: ${model}`,
      'such as openai/gpt-5.1, or how such names begin: openai/*',
    );
  const amounts = amountsOf(options);
  const rest = { per, zone, for: whom, only, surface, model, server, mode, warnAt: warnAt?.map(percentOf) };
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (until === undefined) return { ...amounts, ...given };
  if (Object.keys(given).length > 0 || Object.keys(amounts).length === 0)
    throw new UsageError(
      '--until goes with amounts, and nothing else',
      'such as --cost 800.00EUR --until 3d',
    );
  return { override: { ...amounts, until: endOf(until, nowMs) } };
}

/** A provider and its model, or how that begins. */
const MODEL = /^[a-z0-9-]*(?:\/[!-)+-~]*)?\*?$/;
const MOST_DAYS = 3_650;

function endOf(until: string, nowMs: number): string {
  const seconds = parseDuration(until);
  if (seconds > MOST_DAYS * 86_400) throw new UsageError(`--until takes ${MOST_DAYS}d at most`);
  return formatTime(nowMs + seconds * 1000);
}

function amountsOf({ cost, tokens, calls }: Options): Amounts {
  return {
    ...(cost === undefined ? {} : { cost: parseMoney(cost, '--cost') }),
    ...(tokens === undefined ? {} : { tokens: parseCount(tokens, 1, '--tokens') }),
    ...(calls === undefined ? {} : { calls: parseCount(calls, 1, '--calls') }),
  };
}

function percentOf(text: string): number {
  return parseCount(text, 1, '--warn-at');
}

const hasAmount = ({ cost, tokens, calls }: Amounts): boolean =>
  cost !== undefined || tokens !== undefined || calls !== undefined;

/** The budget as it will be. @throws {UsageError} it would be none */
function checked(name: string, before: Budget | undefined, members: Members, nowMs: number): Budget {
  if (before === undefined && members.override !== undefined)
    throw new UsageError(`there is no budget ${name} to change for a time`, 'talos budget status lists them');
  const { override, ...rest } = { ...(before ?? { name, per: 'total' }), ...members };
  const kept = overrideOf(before, members, nowMs);
  const whole = kept === undefined ? rest : { ...rest, override: kept };
  const wrong = checkBudget(whole);
  if (wrong !== undefined) throw new UsageError(`budget ${name}: ${wrong}`);
  if (!hasAmount(whole))
    throw new UsageError(`budget ${name} counts nothing`, 'add --cost, --tokens or --calls');
  return whole as Budget;
}

/** One that is over is left out, and so is one in whose place usual amounts are set now: whoever lowers a budget means it at once. Of
 *  another kind than the new one names its amounts go on, for as long as that. */
function overrideOf(before: Budget | undefined, members: Members, nowMs: number): Budget['override'] {
  const now = before?.override;
  const inForce = now === undefined || Date.parse(now.until) <= nowMs ? undefined : now;
  if (members.override !== undefined) return { ...inForce, ...members.override };
  return hasAmount(members) ? undefined : inForce;
}
