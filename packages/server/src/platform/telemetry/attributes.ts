/** What an attribute may hold. A value of another form does not leave the process. */
type AttributeForm = 'word' | 'name' | 'id' | 'count' | 'number' | 'flag';

interface AttributeRule {
  readonly holds: AttributeForm;
  /** One sentence for the people who read the table. */
  readonly is: string;
}

/** Every attribute that a span may leave with (TEL-3), and no other: the one list of them, from which the table of the
 *  specification is made. Names that begin with `talos.` are ours, the rest are those of OpenTelemetry's semantic conventions. */
export const SPAN_ATTRIBUTES = {
  'gen_ai.operation.name': {
    holds: 'word',
    is: '`chat`, `embeddings`, `count_tokens` (ours: a count that runs no model) or `execute_tool`.',
  },
  'gen_ai.provider.name': { holds: 'name', is: "The operator's name of the model provider." },
  'gen_ai.request.model': { holds: 'name', is: 'The model as it was decided on and recorded.' },
  'gen_ai.request.max_tokens': { holds: 'count', is: 'The most that the client wants written.' },
  'gen_ai.request.temperature': { holds: 'number', is: 'As the client sent it.' },
  'gen_ai.request.stream': { holds: 'flag', is: 'True if the client wants the answer bit by bit.' },
  'gen_ai.response.model': {
    holds: 'name',
    is: 'The model as the answer of its provider names it; left out where that is no name of a model.',
  },
  'gen_ai.response.time_to_first_chunk': {
    holds: 'number',
    is: 'Seconds from the dispatch to the first bit of a stream.',
  },
  'gen_ai.usage.input_tokens': { holds: 'count', is: 'Tokens that were read, those of a cache too.' },
  'gen_ai.usage.output_tokens': { holds: 'count', is: 'Tokens that were written.' },
  'gen_ai.usage.cache_read.input_tokens': {
    holds: 'count',
    is: 'Of those read, how many came out of a cache.',
  },
  'gen_ai.usage.cache_write.input_tokens': { holds: 'count', is: 'Of those read, how many went into one.' },
  'gen_ai.tool.name': { holds: 'name', is: 'The tool, as its server names it.' },
  'mcp.method.name': { holds: 'word', is: '`tools/call`.' },
  'error.type': {
    holds: 'word',
    is: 'Of what failed: a code of DEC-14; `tool_error` of a result with `isError`, the number of a JSON-RPC error; `cancelled`.',
  },
  'talos.decision': { holds: 'word', is: '`allow` or `deny`.' },
  'talos.outcome': { holds: 'word', is: '`completed`, `failed`, `cancelled` or `revoked_during` (AUD-4).' },
  'talos.receipt': {
    holds: 'id',
    is: 'Of the decision; of an alias each dispatch has its own, and the call that of the one whose answer was given.',
  },
  'talos.request': { holds: 'id', is: 'The id of the request, as in the log and in `X-Request-Id`.' },
  'talos.lid': { holds: 'id', is: 'Of the link that was shown, once it was verified.' },
  'talos.policy': { holds: 'id', is: 'Hash of the policy that it was decided by.' },
  'talos.tool_server': { holds: 'name', is: "The operator's name of the tool server." },
  'talos.cost': { holds: 'count', is: 'What the call came to, in micro-units of its currency.' },
  'talos.currency': { holds: 'word', is: 'Of `talos.cost`.' },
  'talos.usage.estimated': {
    holds: 'flag',
    is: 'True if no provider counted the tokens, and they are the most that it can have been.',
  },
} as const satisfies Readonly<Record<string, AttributeRule>>;

export type AttributeKey = keyof typeof SPAN_ATTRIBUTES;
export type AttributeValue = string | number | boolean;
/** Attributes of a span. */
export type SpanAttributes = { readonly [K in AttributeKey]?: AttributeValue | undefined };

const RULES: ReadonlyMap<string, AttributeRule> = new Map(Object.entries(SPAN_ATTRIBUTES));

/** Bounded, and without a space in them: no sentence anybody wrote passes for one of these. */
const TEXTS: Readonly<Record<'word' | 'name' | 'id', RegExp>> = {
  word: /^[A-Za-z0-9_./-]{1,64}$/,
  name: /^[!-~]{1,128}$/,
  id: /^[A-Za-z0-9_:-]{1,96}$/,
};

/** True for what may leave the process. */
export function isAllowed(key: string, value: unknown): value is AttributeValue {
  const rule = RULES.get(key);
  if (rule === undefined) return false;
  switch (rule.holds) {
    case 'flag':
      return typeof value === 'boolean';
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    default:
      return typeof value === 'string' && TEXTS[rule.holds].test(value);
  }
}

const SPAN_NAME = /^[!-~]{1,64}(?: [!-~]{1,128})?$/;

/** A name of a span as it may leave: a word, and what it is about. */
export function allowedName(name: string): string {
  return SPAN_NAME.test(name) ? name : 'call';
}

const FORMS: Readonly<Record<AttributeForm, string>> = {
  word: 'word, ≤ 64',
  name: 'printable ASCII, ≤ 128',
  id: 'id, ≤ 96',
  count: 'integer ≥ 0',
  number: 'number',
  flag: 'true or false',
};

/** The table as the specification shows it. */
export function attributesTable(): string {
  const rows = Object.entries<AttributeRule>(SPAN_ATTRIBUTES).map(
    ([key, { holds, is }]) => `| \`${key}\` | ${FORMS[holds]} | ${is} |`,
  );
  return ['| attribute | holds | what it is |', '|---|---|---|', ...rows].join('\n');
}
