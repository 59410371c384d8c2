import type { Grant, ModelProvider } from '@talosprotocol/contracts';
import { formatScope } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { issueBearerFile } from '../../bearer-file.js';
import { collect } from '../../collect.js';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { parseCount, parseDuration } from '../../grant/duration.js';
import { type LimitOptionValues, limitsOf } from '../../grant/limit-options.js';
import type { Output } from '../../output.js';
import { openPlatform, type Platform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy, runningConfig } from '../../policy-change.js';
import { withProgress } from '../../progress.js';
import { readSecretValue } from '../../secret-value.js';
import { parseServerName } from '../../talos-yaml.js';
import { UsageError } from '../../usage-error.js';
import { PRESET_NAMES, presetOf } from './presets.js';
import { parsePrice } from './price.js';
import { createModelSnippets, type ModelSnippets } from './snippets.js';

interface Options extends PlatformOptions, LimitOptionValues {
  readonly api?: string;
  readonly baseUrl?: string;
  readonly host?: string;
  readonly apiVersion?: string;
  readonly region?: string;
  readonly translate?: boolean;
  readonly keyFile?: string;
  readonly key?: boolean;
  readonly model?: readonly string[];
  readonly price?: string;
  readonly window?: string;
  readonly expires: string;
  readonly showKey?: boolean;
}

/** `talos llm add`: one line that puts a provider of models behind the gateway. */
export function addAdd(llm: Command, shell: Shell): void {
  const text = {
    usage: 'add <provider>',
    summary: 'put a provider of models behind the gateway, and get a key and snippets for clients',
    examples: [
      'talos llm add openai --cost 5.00USD --per day',
      'talos llm add ollama --model llama3.2',
      'talos llm add azure --host azure --base-url https://NAME.openai.azure.com/openai/v1 --model my-deployment',
      'talos llm add bedrock --api anthropic --host aws --base-url https://bedrock-runtime.us-east-1.amazonaws.com',
      'talos llm add mine --base-url https://models.example.com/v1 --key-file mine.key --model large --price 2.50/10.00USD',
    ],
    notes: [
      `Known are ${PRESET_NAMES.join(', ')}; others need --base-url. Asks for the provider's key without showing`,
      'it, keeps it encrypted, adds the provider to talos.yaml and puts that in force on the platform that runs on the data',
      'folder. The key for clients goes to a file of mode 0600, which the snippets name; it is good for this provider, within',
      'the limits given, and whoever has it can narrow it: talos cap attenuate.',
    ],
  };
  const add: Handler<Options> = async (call) => {
    const { output, args, options } = call;
    const name = parseServerName(args[0] ?? '');
    const life = parseDuration(options.expires);
    const limits = limitsOf(options);
    modelsOf(options);
    hostOf(options);
    const platform = await openPlatform(call.io, options);
    const config = runningConfig(platform);
    const provider = await configure(call, platform, name);
    const { key, file } = await issueBearerFile(call.io, platform, name, {
      grants: grantsOf(name, options.model),
      ...(limits.length === 0 ? {} : { limits }),
      seconds: life,
    });
    const shown = options.showKey === true ? { key } : {};
    const url = platform.record?.gateway ?? '';
    const model = `${name}/${options.model?.[0] ?? '<model>'}`;
    const snippets = createModelSnippets({ url, model, keyFile: file, api: provider.api, ...shown });
    output.result({ ok: true, provider: name, config, url, key_file: file, ...shown, snippets }, () =>
      print(output, file, snippets),
    );
    output.next('who asked what, at what price: talos audit tail');
    return undefined;
  };
  withPlatform(defineCommand(llm, shell, text, add), 'kernel', 'gateway')
    .option('--api <protocol>', 'openai or anthropic (default: that of the provider)')
    .option('--base-url <url>', 'where it is, up to the version')
    .option('--host <host>', 'azure or aws, if one of them serves it')
    .option('--api-version <date>', 'of Azure: a dated version of its API')
    .option('--region <region>', 'of AWS, if the address does not name it')
    .option('--translate', 'let clients of the other protocol use it too')
    .option('--key-file <file>', "read the provider's key from a file, - for standard input")
    .option('--no-key', 'it wants no key')
    .option('--model <name>', 'only this model of it, for the key (repeatable)', collect)
    .option('--price <read/written>', 'what a million tokens of those models cost: 0.15/0.60USD')
    .option('--window <tokens>', 'how many tokens those models take at once, where no price table has them')
    .option('--cost <amount>', 'how much money calls may cost: 5.00USD')
    .option('--tokens <number>', 'how many tokens calls may take')
    .option('--calls <number>', 'how many calls the key is good for')
    .option('--rate <calls/time>', 'how many calls in a time: 10/60s')
    .option('--per <period>', 'for --calls, --cost and --tokens: total, day or month (default: total)')
    .option('--expires <duration>', 'how long the key for clients is valid', '24h')
    .option('--show-key', 'print the key for clients: whoever reads it can use it');
}

/** The secret first: a provider without its key would be refused. */
async function configure(
  call: Invocation<Options>,
  platform: Platform,
  name: string,
): Promise<ModelProvider> {
  const { io, output, options } = call;
  const { hasKey, ...preset } = presetOf(name, options);
  const wantsKey = options.key !== false && (hasKey || options.keyFile !== undefined);
  const secret = `${name}-key`;
  if (wantsKey) {
    const value = await readSecretValue(io, `Key of ${name}`, {
      file: options.keyFile,
      option: '--key-file',
    });
    await withProgress(io, output, 'Keeping the key', platform.secrets.set(secret, value));
  }
  const provider = {
    ...preset,
    ...hostOf(options),
    ...(options.translate === true ? { translate: true } : {}),
    ...(wantsKey ? { key: secret } : {}),
    ...modelsOf(options),
  };
  await changePolicy(call, platform, (yaml) => {
    yaml.setProvider(name, provider);
    yaml.allowAnchor(platform.record?.organisationDid ?? '', `llm:${name}`);
  });
  return provider;
}

/** Who serves it, if not its maker. @throws {UsageError} */
function hostOf({
  host,
  apiVersion,
  region,
}: Options): Pick<ModelProvider, 'host' | 'apiVersion' | 'region'> {
  if (host !== undefined && host !== 'azure' && host !== 'aws')
    throw new UsageError(`--host is azure or aws: ${host}`);
  return {
    ...(host === undefined ? {} : { host }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(region === undefined ? {} : { region }),
  };
}

/** Models with a price or a window of their own are all that is served of a provider. @throws {UsageError} */
function modelsOf({ model, price, window }: Options): Pick<ModelProvider, 'models'> {
  if (price === undefined && window === undefined) return {};
  const option = price === undefined ? '--window' : '--price';
  if (model === undefined) throw new UsageError(`${option} is of which model?`, 'add --model <name>');
  const served = {
    ...(price === undefined ? {} : { rates: parsePrice(price) }),
    ...(window === undefined ? {} : { window: windowOf(window) }),
  };
  return { models: Object.fromEntries(model.map((name) => [name, served])) };
}

/** @throws {UsageError} */
function windowOf(text: string): number {
  const tokens = parseCount(text, 1, '--window');
  if (tokens <= 10_000_000) return tokens;
  throw new UsageError('--window takes 10000000 tokens at most');
}

function grantsOf(name: string, models: readonly string[] | undefined): Grant[] {
  const scopes = models?.map((model) => formatScope('llm', [name, model]).text) ?? [`llm:${name}`];
  return scopes.map((scope) => ({ scope, ops: ['read', 'write'] }));
}

function print({ line, color }: Output, file: string, snippets: ModelSnippets): void {
  line(color.green('Behind the gateway.'));
  line(`Key for clients: ${file}`);
  for (const [title, text] of Object.entries(snippets)) {
    line(`\n${color.bold(title)}`);
    line(text);
  }
}
