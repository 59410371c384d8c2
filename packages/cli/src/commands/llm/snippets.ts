import type { ProviderApi } from '@talosprotocol/contracts';
import { shellWord } from '../../shell-word.js';

/** What a person pastes to use models behind the gateway, by client. */
export type ModelSnippets = Readonly<Record<string, string>>;

export interface ModelSnippetFacts {
  /** Of the gateway. */
  readonly url: string;
  readonly model: string;
  readonly keyFile: string;
  readonly api: ProviderApi;
  /** Given only where the key may be shown; else the snippets read it from its file. */
  readonly key?: string;
}

/** What a snippet needs before it, for whoever begins with it. */
const importsOf = (client: string, readsKey: boolean): string =>
  `${client}${readsKey ? "\nimport { readFileSync } from 'node:fs';" : ''}\n`;

/** Two lines change in a client that is there already: where it asks, and with which key. */
export function createModelSnippets({ url, model, keyFile, api, key }: ModelSnippetFacts): ModelSnippets {
  const typescript =
    key === undefined ? `readFileSync(${JSON.stringify(keyFile)}, 'utf8').trim()` : JSON.stringify(key);
  const python = key === undefined ? `open(${JSON.stringify(keyFile)}).read().strip()` : JSON.stringify(key);
  const shell = key ?? `$(cat ${shellWord(keyFile)})`;
  const message = `messages: [{ role: 'user', content: 'Hello' }]`;
  const readsKey = key === undefined;
  if (api === 'anthropic') {
    return {
      TypeScript: `${importsOf("import Anthropic from '@anthropic-ai/sdk';", readsKey)}const client = new Anthropic({ baseURL: '${url}/anthropic', apiKey: ${typescript} });
await client.messages.create({ model: '${model}', max_tokens: 100, ${message} });`,
      Python: `import anthropic
client = anthropic.Anthropic(base_url="${url}/anthropic", api_key=${python})`,
      'Environment, for tools that read it': `export ANTHROPIC_BASE_URL=${url}/anthropic ANTHROPIC_API_KEY="${shell}"`,
    };
  }
  return {
    TypeScript: `${importsOf("import OpenAI from 'openai';", readsKey)}const client = new OpenAI({ baseURL: '${url}/v1', apiKey: ${typescript} });
await client.chat.completions.create({ model: '${model}', ${message} });`,
    Python: `from openai import OpenAI
client = OpenAI(base_url="${url}/v1", api_key=${python})`,
    'Environment, for tools that read it': `export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY="${shell}"`,
  };
}
