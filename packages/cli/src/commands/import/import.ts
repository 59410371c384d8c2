import { decodeUtf8 } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { readBoundedFile } from '../../bounded-file.js';
import {
  defineCommand,
  defineGroup,
  type Handler,
  type Invocation,
  type Shell,
} from '../../define-command.js';
import type { Io } from '../../io.js';
import { openPlatform, type Platform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy, runningConfig } from '../../policy-change.js';
import { withProgress } from '../../progress.js';
import { type Imported, type ImportedProvider, translateLiteLlm } from './litellm.js';

interface Options extends PlatformOptions {
  readonly dryRun?: boolean;
}

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
      'What has no counterpart is listed, and left out. Nobody may use anything of it yet: give keys with talos cap issue.',
    ],
  };
  const litellm: Handler<Options> = async (call) => {
    const { io, output, args, options } = call;
    const bytes = await readBoundedFile(io, args[0] ?? '', MAX_BYTES);
    const imported = translateLiteLlm(decodeUtf8(bytes));
    const missing = missingKeys(io, imported);
    if (options.dryRun !== true) await putInForce(call, imported);
    output.result(
      { ok: true, in_force: options.dryRun !== true, ...shown(imported), missing_keys: missing },
      () => print(call, imported, missing),
    );
    if (options.dryRun === true) output.next(`put it in force: talos import litellm ${args[0]}`);
    else
      output.next(
        `give a key for it: talos cap issue --bearer --out key.txt ${grants(imported)} --cost 5.00USD`,
      );
    return undefined;
  };
  const group = defineGroup(program, 'import', 'take over what another gateway was told');
  withPlatform(defineCommand(group, shell, text, litellm), 'kernel', 'gateway').option(
    '--dry-run',
    'say what it comes to, and change nothing',
  );
}

/** All that was taken over, as options. */
const grants = ({ providers }: Imported): string =>
  [...providers.keys()].map((name) => `--grant llm:${name}:write`).join(' ');

const secretOf = (name: string): string => `${name}-key`;

/** A provider as it stands in talos.yaml. */
function written(name: string, { provider, key }: ImportedProvider) {
  return key === undefined ? provider : { ...provider, key: secretOf(name) };
}

function keyValue({ env }: Io, { key }: ImportedProvider): string | undefined {
  if (key === undefined) return undefined;
  return 'value' in key ? key.value : env[key.variable];
}

/** Variables of keys that are not set. */
function missingKeys(io: Io, { providers }: Imported): { secret: string; variable: string }[] {
  return [...providers].flatMap(([name, provider]) =>
    provider.key !== undefined && 'variable' in provider.key && !keyValue(io, provider)
      ? [{ secret: secretOf(name), variable: provider.key.variable }]
      : [],
  );
}

/** No value of a key. */
function shown({ providers, aliases, left }: Imported) {
  const all = [...providers].map(([name, provider]) => [name, written(name, provider)] as const);
  return { providers: Object.fromEntries(all), aliases: Object.fromEntries(aliases), left_out: left };
}

/** Keys first: a provider without its key would be refused. */
async function putInForce(call: Invocation<Options>, imported: Imported): Promise<void> {
  const { io, output } = call;
  const platform = await openPlatform(io, call.options);
  runningConfig(platform);
  await withProgress(io, output, 'Keeping the keys', keepKeys(io, platform, imported));
  await changePolicy(call, platform, (yaml) => {
    for (const [name, provider] of imported.providers) yaml.setProvider(name, written(name, provider));
    for (const [name, alias] of imported.aliases) yaml.setAlias(name, alias);
    for (const name of imported.providers.keys())
      yaml.allowAnchor(platform.record?.organisationDid ?? '', `llm:${name}`);
  });
}

async function keepKeys(io: Io, { secrets }: Platform, { providers }: Imported): Promise<void> {
  for (const [name, provider] of providers) {
    const value = keyValue(io, provider);
    if (value !== undefined && value !== '') await secrets.set(secretOf(name), value);
  }
}

function print(
  { output: { line, color }, options }: Invocation<Options>,
  imported: Imported,
  missing: readonly { secret: string; variable: string }[],
): void {
  const { providers, aliases, left } = imported;
  line(color.green(options.dryRun === true ? 'It comes to:' : 'In force:'));
  for (const [name, { provider }] of providers)
    line(`  ${name}  ${provider.baseUrl}  ${Object.keys(provider.models ?? {}).join(', ')}`);
  for (const [name, { models, choose = 'order' }] of aliases)
    line(`  ${name} = ${models.map(({ model }) => model).join(', ')} (${choose})`);
  for (const { secret, variable } of missing)
    line(color.yellow(`  ${variable} is not set: talos secrets set ${secret}`));
  if (left.length > 0) line(`\nLeft out:`);
  for (const one of left) line(`  ${one}`);
}
