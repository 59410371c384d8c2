import { AliasTarget, createChecker, ModelAlias } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy } from '../../policy-change.js';
import { UsageError } from '../../usage-error.js';

interface Options extends PlatformOptions {
  readonly choose?: string;
  readonly fallback?: boolean;
  readonly hedgeAfter?: string;
}

const checkAlias = createChecker(ModelAlias);
const checkTarget = createChecker(AliasTarget);

/** `talos llm alias`: one name for several models. */
export function addAlias(llm: Command, shell: Shell): void {
  const text = {
    usage: 'alias <name> <models...>',
    summary: 'give several models one name, of which one answers',
    examples: [
      'talos llm alias smart openai/gpt-5.1 backup/gpt-5.1',
      'talos llm alias cheap openai/gpt-4o-mini=9 mine/large=1 --choose weight',
      'talos llm alias quick a/m b/m c/m --choose latency',
      'talos llm alias prompt a/m b/m --hedge-after 2000',
    ],
    notes: [
      'Models are <provider>/<model>, at most eight, each with its weight after a =. Asked are those that the key of the caller',
      'reaches: an alias gives nobody a model. If one has no answer the next one is asked, as a call of its own with its own',
      'receipt. With --hedge-after the next one is asked as well once the first has let so many milliseconds pass; both are paid',
      'for. A name that is there already is replaced, and put in force on the platform that runs on the data folder.',
    ],
  };
  const alias: Handler<Options> = async (call) => {
    const { output, options } = call;
    const [name = '', ...models] = call.args;
    const value = aliasOf(models, options);
    const platform = await openPlatform(call.io, options);
    const config = await changePolicy(call, platform, (yaml) => yaml.setAlias(name, value));
    output.result({ ok: true, alias: name, ...value, config }, () => {
      output.line(
        output.color.green(
          `In force: ${name} stands for ${models.length === 1 ? 'one model' : `${models.length} models`}:`,
        ),
      );
      for (const { model, weight } of value.models)
        output.line(`  ${model}${weight === undefined ? '' : ` (${weight})`}`);
    });
    output.next(`ask for it in any client: model: ${JSON.stringify(name)}`);
    return undefined;
  };
  withPlatform(defineCommand(llm, shell, text, alias), 'gateway')
    .option('--choose <how>', 'order, weight or latency (default: order, or weight where weights are given)')
    .option('--no-fallback', 'do not ask another one where one has no answer')
    .option('--hedge-after <ms>', 'ask the next one as well after so long without an answer (50 to 600000)');
}

/** @throws {UsageError} */
function aliasOf(models: readonly string[], { choose, fallback, hedgeAfter }: Options): ModelAlias {
  const targets = models.map(targetOf);
  const isWeighted = targets.some(({ weight }) => weight !== undefined);
  const how = choose ?? (isWeighted ? 'weight' : undefined);
  const alias = {
    models: targets,
    ...(how === undefined ? {} : { choose: how }),
    ...(fallback === false ? { fallback } : {}),
    ...(hedgeAfter === undefined ? {} : { hedgeAfterMs: Number(hedgeAfter) }),
  };
  if (checkAlias(alias) !== undefined)
    throw new UsageError(
      'an alias has one to eight models, chooses by order, weight or latency, and hedges after 50 to 600000 ms',
      'for example: talos llm alias smart openai/gpt-5.1 backup/gpt-5.1',
    );
  return alias as ModelAlias;
}

function targetOf(text: string): AliasTarget {
  const [, model = text, weight] = /^(.+)=([0-9]{1,4})$/.exec(text) ?? [];
  const target = { model, ...(weight === undefined ? {} : { weight: Number(weight) }) };
  if (checkTarget(target) !== undefined)
    throw new UsageError(
      `${text} is no model`,
      'write it as <provider>/<model>, with its weight: <provider>/<model>=3',
    );
  return target;
}
