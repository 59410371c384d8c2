import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a provider was asked. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
}

/** A provider under the control of a test: it answers as it is told, in whatever way. */
export interface FakeProvider {
  readonly url: string;
  readonly asked: Asked[];
  /** Answers every call from now on. */
  answer: (response: ServerResponse, asked: Asked) => void | Promise<void>;
  close(): Promise<void>;
}

/** Starts one on a free port of this machine. */
export async function openFakeProvider(): Promise<FakeProvider> {
  const asked: Asked[] = [];
  const provider = { asked, answer: chatAnswer('hello') } as {
    -readonly [K in keyof FakeProvider]: FakeProvider[K];
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const call = {
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    asked.push(call);
    await provider.answer(response, call);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return provider;
}

const USAGE = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 };

/** A chat completion, as OpenAI answers it: whole, or as a stream if that was asked for. */
export function chatAnswer(text: string, usage: object | null = USAGE): FakeProvider['answer'] {
  return async (response, { body }) => {
    if (body.stream === true) return sendEvents(response, chatEvents(body.model, text, usage));
    sendJson(response, 200, {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: body.model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: text, refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      ...(usage === null ? {} : { usage }),
    });
  };
}

/** The events of a chat completion; without usage if it is null. */
export function chatEvents(model: string, text: string, usage: object | null = USAGE): string[] {
  const chunk = (delta: object, more: object = {}) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  });
  const words = text.split(/(?<= )/);
  const last = { ...chunk({}), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  const all = [
    chunk({ role: 'assistant', content: '' }),
    ...words.map((word) => chunk({ content: word })),
    last,
  ];
  const counted = usage === null ? [] : [{ ...chunk({}), choices: [], usage }];
  return [...[...all, ...counted].map((one) => `data: ${JSON.stringify(one)}\n\n`), 'data: [DONE]\n\n'];
}

/** A call of a tool of the client. */
export interface FakeCall {
  readonly name: string;
  /** As JSON. */
  readonly arguments: string;
}

/** A chat completion that calls a tool. */
export function chatCallAnswer(call: FakeCall): FakeProvider['answer'] {
  return async (response, { body }) => {
    const calls = [{ index: 0, id: 'call_1', type: 'function', function: call }];
    const message = { role: 'assistant', content: null, tool_calls: calls };
    const base = { id: 'chatcmpl-1', created: 1_700_000_000, model: body.model };
    const choice = { index: 0, finish_reason: 'tool_calls' };
    if (body.stream !== true) {
      const choices = [{ ...choice, message, logprobs: null }];
      return sendJson(response, 200, { ...base, object: 'chat.completion', choices, usage: USAGE });
    }
    const chunk = { ...base, object: 'chat.completion.chunk' };
    const chunks = [
      { ...chunk, choices: [{ index: 0, delta: message, finish_reason: null }] },
      { ...chunk, choices: [{ ...choice, delta: {} }] },
      { ...chunk, choices: [], usage: USAGE },
    ];
    const events = chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`);
    return sendEvents(response, [...events, 'data: [DONE]\n\n']);
  };
}

const MESSAGE_USAGE = {
  input_tokens: 10,
  cache_read_input_tokens: 4,
  cache_creation_input_tokens: 2,
  output_tokens: 5,
};

/** A message, as Anthropic answers it: whole, or as a stream if that was asked for. */
export function messageAnswer(text: string): FakeProvider['answer'] {
  return async (response, { body }) => {
    if (body.stream !== true) return sendJson(response, 200, wholeMessage(body.model, text));
    return sendEvents(
      response,
      messageEvents(body.model, text).map(
        (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
      ),
    );
  };
}

export function wholeMessage(model: string, text: string): object {
  const content = [{ type: 'text', text }];
  const ended = { stop_reason: 'end_turn', stop_sequence: null, usage: MESSAGE_USAGE };
  return { id: 'msg_1', type: 'message', role: 'assistant', model, content, ...ended };
}

/** The events of a message. */
export function messageEvents(model: string, text: string): { readonly type: string }[] {
  const usage = { ...MESSAGE_USAGE, output_tokens: 1 };
  const message = { ...wholeMessage(model, ''), content: [], stop_reason: null, usage };
  return [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    ...text.split(/(?<= )/).map((word) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: word },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 5 },
    },
    { type: 'message_stop' },
  ] as { readonly type: string }[];
}

const RESPONSE_USAGE = {
  input_tokens: 12,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 15,
};

/** A response, as OpenAI answers it: whole, or as a stream if that was asked for. */
export function responseAnswer(text: string, usage: object | null = RESPONSE_USAGE): FakeProvider['answer'] {
  return async (response, { body }) => {
    if (body.stream === true) return sendEvents(response, responseEvents(body.model, text, usage));
    sendJson(response, 200, wholeResponse(body.model, [messageItem(text)], { usage }));
  };
}

/** A response that calls a tool. */
export function responseCallAnswer(call: FakeCall): FakeProvider['answer'] {
  return async (response, { body }) => {
    const item = { type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed', ...call };
    const whole = wholeResponse(body.model, [item]);
    if (body.stream !== true) return sendJson(response, 200, whole);
    const at = { item_id: 'fc_1', output_index: 0 };
    const events = [
      { type: 'response.created', response: wholeResponse(body.model, [], { status: 'in_progress' }) },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...item, status: 'in_progress', arguments: '' },
      },
      { type: 'response.function_call_arguments.delta', ...at, delta: call.arguments },
      { type: 'response.function_call_arguments.done', ...at, arguments: call.arguments },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: whole },
    ];
    return sendEvents(
      response,
      events.map((event, sequence_number) => responseEvent({ ...event, sequence_number })),
    );
  };
}

/** The events of a response; `last` is how it ends. */
export function responseEvents(
  model: string,
  text: string,
  usage: object | null = RESPONSE_USAGE,
  last: 'completed' | 'incomplete' | 'failed' = 'completed',
): string[] {
  const [item, at] = [messageItem(text), { item_id: 'msg_1', output_index: 0, content_index: 0 }];
  const [part] = item.content;
  const begun = wholeResponse(model, [], { status: 'in_progress' });
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    ...text
      .split(/(?<= )/)
      .map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text, logprobs: [] },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: `response.${last}`, response: wholeResponse(model, [item], { usage, status: last }) },
  ];
  return events.map((event, sequence_number) => responseEvent({ ...event, sequence_number }));
}

export function responseEvent(event: { readonly type: string; readonly [member: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

export function messageItem(text: string) {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content };
}

export function wholeResponse(model: string, output: readonly object[], more: object = {}): object {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    tool_choice: 'auto',
    tools: [],
    usage: RESPONSE_USAGE,
    ...more,
  };
}

/** Embeddings, as OpenAI answers them: numbers, or base64 of them if that was asked for. */
export function embeddingAnswer(
  usage: object | null = { prompt_tokens: 7, total_tokens: 7 },
): FakeProvider['answer'] {
  return (response, { body }) => {
    const numbers = [0.25, -0.5];
    const packed = Buffer.from(Float32Array.from(numbers).buffer).toString('base64');
    const embedding = body.encoding_format === 'base64' ? packed : numbers;
    sendJson(response, 200, {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding }],
      model: body.model,
      ...(usage === null ? {} : { usage }),
    });
  };
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Sends events one by one, each in a write of its own. */
export async function sendEvents(response: ServerResponse, events: readonly string[]): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (const event of events) {
    response.write(event);
    await new Promise(setImmediate);
  }
  response.end();
}
