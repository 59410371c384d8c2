import type { ModelUsage } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import type { StreamReader } from './dialect.js';
import { assertNoError } from './provider-error.js';
import { parseProviderObject } from './provider-json.js';
import { toldModel } from './told-model.js';
import { anthropicUsage, countsWritten, joinUsage, possible } from './usage.js';
import { bytesOf } from './written-bytes.js';

/** What a whole message came to. */
export function messageUsageOf({ content, usage }: JsonObject): ModelUsage | undefined {
  const blocks = Array.isArray(content) ? content : [];
  return possible(anthropicUsage(usage), blocks.some(isWritten) ? 1 : 0);
}

/** Follows a stream of a message. */
export function readMessageStream(): StreamReader {
  let [pieces, seen, over, counted] = [0, 0, false, false];
  let usage: JsonObject | undefined;
  let model: string | undefined;
  const write = (bit: JsonValue | undefined): void => {
    if (isSpoken(bit)) seen += 1;
    else if (isWritten(bit)) seen = Math.max(seen, 1);
    else return;
    // What was counted before it was written does not count it.
    counted = false;
  };
  return {
    read({ event: name, data }) {
      const event = parseProviderObject(data);
      assertNoError(event, name);
      const { type } = event;
      if (type === 'message_start') {
        const message = objectOf(event['message']);
        usage = joinUsage(usage, message['usage']);
        model ??= toldModel(message['model']);
      }
      if (type === 'message_delta') {
        usage = joinUsage(usage, event['usage']);
        counted ||= countsWritten(event['usage']);
      }
      if (type === 'message_stop') over = true;
      if (type === 'content_block_start') write(event['content_block']);
      if (type === 'content_block_delta') {
        if (isPiece(event['delta'])) pieces += 1;
        write(event['delta']);
      }
      return true;
    },
    pieces: () => pieces,
    // At its beginning a stream says what was read, and not yet what will be written: cut before its end, it is estimated.
    usage: () => (counted ? possible(anthropicUsage(usage), seen) : undefined),
    model: () => model,
    isOver: () => over,
  };
}

/** Pieces that no model wrote: their provider puts them to what it wrote. */
const UNWRITTEN: ReadonlySet<JsonValue | undefined> = new Set(['signature_delta', 'citations_delta']);

/** True of whatever else says something, of any kind. */
function isPiece(delta: JsonValue | undefined): boolean {
  const { type, ...said } = objectOf(delta);
  return !UNWRITTEN.has(type) && bytesOf(said) > 0;
}

/** True of words and of what a tool is called with, of which a piece is a token at least. */
function isSpoken(bit: JsonValue | undefined): boolean {
  const { text = null, partial_json: input = null } = objectOf(bit);
  return bytesOf([text, input]) > 0;
}

/** True of what a model wrote besides: thoughts, which may be told as a summary, and calls. What a tool found, signatures and
 *  citations it did not write. */
function isWritten(bit: JsonValue | undefined): boolean {
  const { type, thinking } = objectOf(bit);
  return isSpoken(bit) || bytesOf(thinking) > 0 || (typeof type === 'string' && type.endsWith('tool_use'));
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}
