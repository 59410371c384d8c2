import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { assertSayable, type Fault, ONLY_NULL, objectOf, stated, textOf } from './sayable.js';

/** Documents: a file of OpenAI's chat, a block of Anthropic's messages. Both are a PDF whose text and pages the model is shown; the name
 *  of the one is the title of the other, what the model is told that it is called. */

const PDF = 'application/pdf';
const HEAD = `data:${PDF};base64,`;
const NOT_BASE64 = /[^A-Za-z0-9+/=]/;

/** @throws what `fault` makes, for a file that is no PDF in base64 */
export function documentOf(part: JsonObject, fault: Fault): JsonObject {
  assertSayable(part, new Set(['type', 'file']), {}, 'file.', fault);
  const file = objectOf(part['file'], 'file', fault);
  assertSayable(file, new Set(['file_data', 'filename']), { file_id: ONLY_NULL }, 'file.', fault);
  const url = textOf(file['file_data'], 'file.file_data', fault);
  const data = url.startsWith(HEAD) ? url.slice(HEAD.length) : '';
  if (data === '' || NOT_BASE64.test(data)) throw fault('file.file_data');
  return stated({
    type: 'document',
    source: { type: 'base64', media_type: PDF, data },
    title: file['filename'] == null ? undefined : nameOf(file['filename'], 'file.filename', fault),
  });
}

/** OpenAI wants a name, which says no more than what a document is. */
const UNNAMED = 'document.pdf';

/** @throws what `fault` makes, for a document that is no PDF in base64 */
export function fileOf(block: JsonObject, fault: Fault): JsonObject {
  const silent = { cache_control: ONLY_NULL, context: ONLY_NULL, citations: isUncited };
  assertSayable(block, new Set(['type', 'source', 'title']), silent, 'document.', fault);
  const source = objectOf(block['source'], 'document.source', fault);
  if (source['type'] !== 'base64') throw fault('document.source.type');
  assertSayable(source, new Set(['type', 'media_type', 'data']), {}, 'document.source.', fault);
  if (source['media_type'] !== PDF) throw fault('document.source.media_type');
  const data = textOf(source['data'], 'document.source.data', fault);
  if (data === '' || NOT_BASE64.test(data)) throw fault('document.source.data');
  const title = block['title'];
  const filename = title == null ? UNNAMED : nameOf(title, 'document.title', fault);
  return { type: 'file', file: { file_data: `${HEAD}${data}`, filename } };
}

function nameOf(value: JsonValue, member: string, fault: Fault): string {
  const name = textOf(value, member, fault);
  if (name === '') throw fault(member);
  return name;
}

/** Nobody wants to hear where in it an answer is from. */
function isUncited(citations: JsonValue): boolean {
  return ['{}', '{"enabled":false}'].includes(JSON.stringify(citations));
}
