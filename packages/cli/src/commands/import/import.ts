import { isDeepStrictEqual } from 'node:util';
import { decodeUtf8, TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { readBoundedFile } from '../../bounded-file.js';
import { readTalosYaml } from '../../config-edit.js';
import {
  defineCommand,
  defineGroup,
  type Handler,
  type Invocation,
  type Shell,
} from '../../define-command.js';
import type { Io } from '../../io.js';
import { dataFolder } from '../../place.js';
import { openPlatform, type Platform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy, runningConfig } from '../../policy-change.js';
import { withProgress } from '../../progress.js';
import { isRunning, readServerRecord } from '../../server-record.js';
import type { TalosYaml } from '../../talos-yaml.js';
import { translateLiteLlm } from './litellm.js';
import { withNewSecrets } from './new-secrets.js';
import { type Plan, type PlannedKey, type Present, planImport, presentOf } from './plan.js';
import { type MissingKey, printPlan, shownPlan } from './report.js';
import { tryPolicy } from './trial.js';

interface Options extends PlatformOptions {
  readonly dryRun?: boolean;
}

type Call = Invocation<Options>;

const MAX_BYTES = 1024 * 1024;

/** `talos import`: what other gateways were told. */
export function addImportCommands(program: Command, shell: Shell): void {
  const text = {
    usage: 'litellm <config>',
    summary: "take over providers, models and aliases from a configuration of LiteLLM's proxy",
    examples: ['talos import litellm config.yaml --dry-run', 'talos import litellm config.yaml'],
    notes: [
      'Deployments become providers with the models that are named and the prices that are stated, names with several of them',
      'aliases. Keys are kept encrypted: those that the file holds, and those of variables (os.environ/NAME) that are set now.',
      'Nothing that is there is replaced, no secret either: a name that is taken gets a number. What has no counterpart is listed,',
      'and left out. If it cannot be put in force nothing is changed. Nobody may use anything of it yet: talos cap issue.',
    ],
  };
  const litellm: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    const isDry = options.dryRun === true;
    const bytes = await readBoundedFile(io, args[0] ?? '', MAX_BYTES);
    const imported = translateLiteLlm(decodeUtf8(bytes));
    const platform = await platformOf(call);
    const present = platform === undefined ? NOTHING : await readPresent(io, platform);
    const plan = planImport(imported, present);
    await check(call, platform, plan, present);
    const values = keyValues(io, plan);
    if (!isDry && platform !== undefined) await putInForce(call, platform, plan, present, values);
    const missing = missingKeys(io, plan);
    output.result({ ok: true, in_force: !isDry, ...shownPlan(plan, missing) }, () =>
      printPlan(output, plan, missing, { isDry, isAlone: platform === undefined }),
    );
    if (isDry) output.next(`put it in force: talos import litellm ${args[0]}`);
    else if (plan.providers.size > 0)
      output.next(`give a key for it: talos cap issue --bearer --out key.txt ${grants(plan)} --cost 5.00USD`);
    return undefined;
  };
  const group = defineGroup(program, 'import', 'take over what another gateway was told');
  withPlatform(defineCommand(group, shell, text, litellm), 'kernel', 'gateway').option(
    '--dry-run',
    'say what it comes to, and change nothing',
  );
}

/** All that was taken over, as options. */
const grants = ({ providers }: Plan): string =>
  [...providers.keys()].map((name) => `--grant llm:${name}:write`).join(' ');

const NOTHING: Present = { providers: {}, aliases: {}, secrets: new Set(), named: new Set() };

/** Only what is to be put in force needs a platform. */
async function platformOf({ io, options }: Call): Promise<Platform | undefined> {
  if (options.dryRun === true) {
    const record = await readServerRecord(dataFolder(io, options));
    if (record === undefined || !isRunning(record)) return undefined;
  }
  const platform = await openPlatform(io, options);
  runningConfig(platform);
  return platform;
}

async function readPresent(io: Io, platform: Platform): Promise<Present> {
  const { policy } = await readTalosYaml(io, runningConfig(platform));
  const { secrets } = await platform.secrets.list();
  return presentOf(policy, new Set(secrets.map(({ name }) => name)));
}

/** Refuses what the platform would, before anything is changed. */
async function check(
  { io, output }: Call,
  platform: Platform | undefined,
  plan: Plan,
  present: Present,
): Promise<void> {
  if (platform !== undefined) {
    const yaml = await readTalosYaml(io, runningConfig(platform));
    change(yaml, platform, plan, present);
    yaml.text();
  }
  const providers = { ...present.providers, ...Object.fromEntries(plan.providers) };
  const aliases = { ...present.aliases, ...Object.fromEntries(plan.aliases) };
  await withProgress(io, output, 'Trying it', tryPolicy({ providers, aliases }));
}

/** @throws {TrustError} CONFLICT: the file is another one by now */
function change(yaml: TalosYaml, { record }: Platform, plan: Plan, present: Present): void {
  const { providers, aliases } = presentOf(yaml.policy, present.secrets);
  if (!isDeepStrictEqual([providers, aliases], [present.providers, present.aliases]))
    throw new TrustError('CONFLICT', 'talos.yaml was changed meanwhile', { hint: 'import again' });
  for (const [name, provider] of plan.providers)
    if (!plan.unchanged.providers.includes(name)) yaml.setProvider(name, provider);
  for (const [name, alias] of plan.aliases)
    if (!plan.unchanged.aliases.includes(name)) yaml.setAlias(name, alias);
  for (const name of plan.providers.keys()) yaml.allowAnchor(record?.organisationDid ?? '', `llm:${name}`);
}

/** Keys first, under names that nothing has: a provider without its key would be refused. */
async function putInForce(
  call: Call,
  platform: Platform,
  plan: Plan,
  present: Present,
  values: ReadonlyMap<string, string>,
): Promise<void> {
  await withNewSecrets(platform.secrets, values, () =>
    changePolicy(call, platform, (yaml) => change(yaml, platform, plan, present)),
  );
}

/** Of the keys that are to be kept and are known whole, by the name of the secret. */
function keyValues({ env }: Io, { keys }: Plan): ReadonlyMap<string, string> {
  return new Map(
    keys
      .filter((key) => !key.isPresent && variablesOf(key).every((variable) => env[variable]))
      .map(({ secret, parts }) => [
        secret,
        parts.map((part) => ('value' in part ? part.value : env[part.variable])).join(':'),
      ]),
  );
}

const variablesOf = ({ parts }: PlannedKey): string[] =>
  parts.flatMap((part) => ('variable' in part ? [part.variable] : []));

/** Variables of keys that are not set. */
function missingKeys({ env }: Io, { keys }: Plan): MissingKey[] {
  return keys
    .filter(({ isPresent }) => !isPresent)
    .flatMap((key) =>
      variablesOf(key)
        .filter((variable) => !env[variable])
        .map((variable) => ({ secret: key.secret, variable, parts: key.parts.length })),
    );
}
