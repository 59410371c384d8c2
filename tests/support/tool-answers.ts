import { sendBedrock } from '../../packages/server/src/gateway/llm/testing/fake-bedrock.js';
import {
  type FakeCall,
  type FakeProvider,
  sendJson,
} from '../../packages/server/src/gateway/llm/testing/fake-provider.js';

const USAGE = { input_tokens: 10, output_tokens: 5 };

/** A message that calls a tool, as Anthropic answers it, itself or in the frames of Bedrock. */
export function messageCallAnswer(call: FakeCall, host: 'anthropic' | 'bedrock'): FakeProvider['answer'] {
  return async (response, { path, body }) => {
    const whole = wholeCall(call);
    const events = callEvents(call);
    if (host === 'bedrock') return sendBedrock(response, path, whole, events);
    if (body.stream !== true) return sendJson(response, 200, whole);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
  };
}

function wholeCall({ name, arguments: json }: FakeCall): object {
  const content = [{ type: 'tool_use', id: 'toolu_1', name, input: JSON.parse(json) }];
  const ended = { stop_reason: 'tool_use', stop_sequence: null, usage: USAGE };
  return { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content, ...ended };
}

function callEvents({ name, arguments: json }: FakeCall): readonly { readonly type: string }[] {
  const half = Math.floor(json.length / 2);
  const usage = { ...USAGE, output_tokens: 1 };
  const begun = { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [] };
  return [
    { type: 'message_start', message: { ...begun, stop_reason: null, stop_sequence: null, usage } },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name, input: {} },
    },
    ...[json.slice(0, half), json.slice(half)].map((partial_json) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'input_json_delta', partial_json },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 5 },
    },
    { type: 'message_stop' },
  ] as { readonly type: string }[];
}
