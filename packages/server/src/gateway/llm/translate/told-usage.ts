import type { ModelUsage } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';

/** What a call came to, in the form of a protocol. OpenAI counts what went through a cache among what was read, Anthropic
 *  beside it: the same call has the same usage, and so the same price, in both. */

export function chatUsage({ input, output, cache_read, cache_write }: ModelUsage): JsonObject {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: {
      cached_tokens: cache_read ?? 0,
      ...(cache_write === undefined ? {} : { cache_write_tokens: cache_write }),
    },
  };
}

export function messageUsage({ input, output, cache_read = 0, cache_write = 0 }: ModelUsage): JsonObject {
  return {
    input_tokens: input - cache_read - cache_write,
    cache_creation_input_tokens: cache_write,
    cache_read_input_tokens: cache_read,
    output_tokens: output,
  };
}
