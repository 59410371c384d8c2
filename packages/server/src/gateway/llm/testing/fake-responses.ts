import {
  type Asked,
  type FakeCall,
  type FakeProvider,
  responseEvent,
  sendEvents,
  sendJson,
  wholeResponse,
} from './fake-provider.js';

/** A response of several items, as those that think or speak before they call a tool. What was thought is in it if it was asked for. */
export function responseItemsAnswer(items: readonly FakeItem[]): FakeProvider['answer'] {
  return async (response, { body }) => {
    const fault = faultOf(body);
    if (fault !== undefined)
      return sendJson(response, 400, { error: { message: fault, type: 'invalid_request_error' } });
    const isWhole = body.include?.includes('reasoning.encrypted_content') === true;
    const output = items.map((item) =>
      item.type === 'reasoning' && !isWhole ? { ...item, encrypted_content: undefined } : item,
    );
    const whole = wholeResponse(body.model, output);
    if (body.stream !== true) return sendJson(response, 200, whole);
    const events = [
      { type: 'response.created', response: wholeResponse(body.model, [], { status: 'in_progress' }) },
      ...output.flatMap((item, index) => itemEvents(item, index)),
      { type: 'response.completed', response: whole },
    ];
    return sendEvents(
      response,
      events.map((event, sequence_number) => responseEvent({ ...event, sequence_number })),
    );
  };
}

/** An item of a response. */
export interface FakeItem {
  readonly type: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests put anything into it
  readonly [member: string]: any;
}

export function callItem(call: FakeCall): FakeItem {
  return { type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed', ...call };
}

export function reasoningItem(text: string): FakeItem {
  const summary = text === '' ? [] : [{ type: 'summary_text', text }];
  return { type: 'reasoning', id: 'rs_1', summary, encrypted_content: `gAAA${text.length}` };
}

/** The events that tell one item. */
function itemEvents(item: FakeItem, output_index: number): { readonly type: string }[] {
  const at = { item_id: item.id, output_index };
  const told: Record<string, () => object[]> = {
    function_call: () => [
      { type: 'response.function_call_arguments.delta', ...at, delta: item['arguments'] },
      { type: 'response.function_call_arguments.done', ...at, arguments: item['arguments'] },
    ],
    message: () => {
      const [part] = item['content'];
      const where = { ...at, content_index: 0 };
      return [
        { type: 'response.content_part.added', ...where, part: { ...part, text: '' } },
        { type: 'response.output_text.delta', ...where, delta: part.text, logprobs: [] },
        { type: 'response.output_text.done', ...where, text: part.text, logprobs: [] },
        { type: 'response.content_part.done', ...where, part },
      ];
    },
    reasoning: () =>
      item['summary'].flatMap((part: { text: string }, summary_index: number) => {
        const where = { ...at, summary_index };
        return [
          { type: 'response.reasoning_summary_part.added', ...where, part: { ...part, text: '' } },
          { type: 'response.reasoning_summary_text.delta', ...where, delta: part.text },
          { type: 'response.reasoning_summary_text.done', ...where, text: part.text },
          { type: 'response.reasoning_summary_part.done', ...where, part },
        ];
      }),
  };
  const begun: Record<string, object> = {
    function_call: { arguments: '' },
    message: { content: [] },
    reasoning: { summary: [] },
  };
  const started = { ...item, ...begun[item.type], status: 'in_progress' };
  return [
    { type: 'response.output_item.added', output_index, item: started },
    ...(told[item.type]?.() ?? []),
    { type: 'response.output_item.done', output_index, item },
  ] as { readonly type: string }[];
}

/** What OpenAI finds wrong with a request of which it keeps nothing. */
function faultOf({ store, model, input, include = [] }: Asked['body']): string | undefined {
  if (store !== false) return 'this would be kept';
  if (include.includes('reasoning.encrypted_content') && /^gpt-4/.test(model))
    return 'Encrypted content is not supported with this model.';
  const items = Array.isArray(input) ? input : [];
  const unkept = items.find(({ type, role, encrypted_content }) =>
    (type ?? 'item_reference') === 'item_reference'
      ? role === undefined
      : type === 'reasoning' && typeof encrypted_content !== 'string',
  );
  if (unkept !== undefined) return `Item with id '${unkept.id}' not found.`;
  const calls = new Set(items.filter(({ type }) => type === 'function_call').map(({ call_id }) => call_id));
  const result = items.find(({ type, call_id }) => type === 'function_call_output' && !calls.has(call_id));
  if (result !== undefined) return `No tool call found for function call output ${result.call_id}.`;
  const odd = JSON.stringify(items).match(/"(parsed|parsed_arguments)":/);
  return odd === null ? undefined : `Unknown parameter: '${odd[1]}'.`;
}
