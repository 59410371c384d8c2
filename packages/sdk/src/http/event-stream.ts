import { TrustError } from '@talosprotocol/protocol';

/** One server-sent message; absent is what it does not say. */
export interface StreamMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Longest message, in characters: an event and what it discloses. */
const MAX_MESSAGE = 1_048_576;

/** Reads server-sent messages as the HTML standard writes them (section 9.2). A message without data is given too: its
 *  `id` counts. @throws {TrustError} UPSTREAM_FAILED: a message that is too long */
export async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop() ?? '';
      if (text.length > MAX_MESSAGE) throw new TrustError('UPSTREAM_FAILED', 'a message that is too long');
      yield* blocks.map(parseMessage);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function parseMessage(block: string): StreamMessage {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    const before = name === 'data' ? fields.get(name) : undefined;
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  return Object.fromEntries([...fields].filter(([name]) => ['id', 'event', 'data'].includes(name)));
}
