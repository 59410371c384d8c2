import type { ModelProvider } from '@talosprotocol/contracts';
import { UsageError } from '../../usage-error.js';

/** A provider as it is added to talos.yaml; `key` is put in by whoever has one. */
type Preset = Pick<ModelProvider, 'api' | 'baseUrl'> & { readonly hasKey: boolean };

const remote = (baseUrl: string): Preset => ({ api: 'openai', baseUrl, hasKey: true });

/** Providers by the name they are added under, unless told otherwise. */
const PRESETS: Readonly<Record<string, Preset>> = {
  openai: remote('https://api.openai.com/v1'),
  anthropic: { api: 'anthropic', baseUrl: 'https://api.anthropic.com/v1', hasKey: true },
  deepseek: remote('https://api.deepseek.com/v1'),
  gemini: remote('https://generativelanguage.googleapis.com/v1beta/openai'),
  groq: remote('https://api.groq.com/openai/v1'),
  mistral: remote('https://api.mistral.ai/v1'),
  openrouter: remote('https://openrouter.ai/api/v1'),
  xai: remote('https://api.x.ai/v1'),
  ollama: { api: 'openai', baseUrl: 'http://127.0.0.1:11434/v1', hasKey: false },
};

export const PRESET_NAMES = Object.keys(PRESETS);

/** What is known of a provider, with what was said in its place. @throws {UsageError} */
export function presetOf(
  name: string,
  { api, baseUrl }: { readonly api?: string; readonly baseUrl?: string },
): Preset {
  if (api !== undefined && api !== 'openai' && api !== 'anthropic')
    throw new UsageError(`--api is openai or anthropic: ${api}`);
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  const url = baseUrl ?? preset?.baseUrl;
  if (url === undefined)
    throw new UsageError(`where is ${name}?`, `add --base-url <url>; known are ${PRESET_NAMES.join(', ')}`);
  return { api: api ?? preset?.api ?? 'openai', baseUrl: url, hasKey: preset?.hasKey ?? true };
}
