import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { assertSayable, type Fault, objectOf, textOf } from './sayable.js';

/** Pictures: an address in OpenAI's chat, a source in Anthropic's messages. */

/** What stands before the data in an address of its own. */
const DATA = /^data:(image\/[a-z0-9.+-]+);base64,/;
const MEDIA_TYPE = /^image\/[a-z0-9.+-]+$/;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/;

/** @throws what `fault` makes, for an address that is neither of https nor base64 of a picture */
export function sourceOf(value: JsonValue | undefined, fault: Fault): JsonObject {
  const picture = objectOf(value, 'image_url', fault);
  const silent = { detail: (detail: JsonValue) => detail === 'auto' };
  assertSayable(picture, new Set(['url']), silent, 'image_url.', fault);
  const url = textOf(picture['url'], 'image_url.url', fault);
  if (url.startsWith('https://')) return { type: 'url', url };
  const [head, type] = DATA.exec(url) ?? [];
  if (head === undefined || type === undefined) throw fault('image_url.url');
  const data = url.slice(head.length);
  if (NOT_BASE64.test(data)) throw fault('image_url.url');
  return { type: 'base64', media_type: type, data };
}

/** @throws what `fault` makes, for a source that is no address of https and no base64 of a picture */
export function imageUrlOf(value: JsonValue | undefined, fault: Fault): JsonObject {
  const source = objectOf(value, 'source', fault);
  if (source['type'] === 'url') {
    assertSayable(source, new Set(['type', 'url']), {}, 'source.', fault);
    const url = textOf(source['url'], 'source.url', fault);
    if (!url.startsWith('https://')) throw fault('source.url');
    return { url };
  }
  if (source['type'] !== 'base64') throw fault('source.type');
  assertSayable(source, new Set(['type', 'media_type', 'data']), {}, 'source.', fault);
  const type = textOf(source['media_type'], 'source.media_type', fault);
  const data = textOf(source['data'], 'source.data', fault);
  if (!MEDIA_TYPE.test(type)) throw fault('source.media_type');
  if (NOT_BASE64.test(data)) throw fault('source.data');
  return { url: `data:${type};base64,${data}` };
}
