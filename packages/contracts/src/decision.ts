import { type Static, Type } from 'typebox';
import { Item, MAX_ITEM_SCOPE } from './capability.js';
import { ServerName, ToolName } from './policy-name.js';
import { ascii, Chain, CLOSED, ReceiptId, RequestId, text } from './primitive.js';
import { DECISION_CODES, PROBLEM_CODES } from './problem-code.js';

/** A code a decision may carry. */
export const DecisionCodeSchema = Type.Enum(DECISION_CODES);

/** A code of the error table. */
export const ProblemCodeSchema = Type.Enum(PROBLEM_CODES);

/** Longest `item` of a refusal in bytes: an operation, a space and a scope (DEC-1). */
const MAX_ITEM = 'write '.length + MAX_ITEM_SCOPE;

const where = {
  link: Type.Optional(Type.Integer({ minimum: 0, maximum: 8, description: '0 is the anchor, 1 the root' })),
  item: Type.Optional(
    text(MAX_ITEM, {
      description:
        'the item that was refused, as `<op> <scope>`; the scope alone where the caller is not told whether the tool reads or writes',
    }),
  ),
  caveat: Type.Optional(text(2048, { description: 'the condition that did not hold' })),
};

/** What would help: a sentence for people that repeats no secret. */
export const Hint = text(1024);

/** A decision (DEC-1). */
export const Decision = Type.Union([
  Type.Object({ effect: Type.Literal('allow') }, CLOSED),
  Type.Object({ effect: Type.Literal('deny'), code: DecisionCodeSchema, ...where, hint: Hint }, CLOSED),
]);
export type Decision = Static<typeof Decision>;

/** A refusal. */
export type Denial = Extract<Decision, { effect: 'deny' }>;

/** What a link may exceed its parent in. */
const EXCESSES = ['scope', 'op', 'constraint', 'only', 'limit', 'exp', 'dlg', 'aud', 'bearer'] as const;

/** One way in which a link exceeds its parent or the trust anchor (CAP-27, CAP-28). */
export const Finding = Type.Object(
  {
    at: text(64, { description: 'the place in the claims, such as `grants[0].where[1]`' }),
    exceeds: Type.Enum(EXCESSES),
    what: text(2048, { description: 'a sentence about that place' }),
    bound: Type.Optional(
      text(2048, { description: 'what the parent or the anchor has there; of `exp` Unix seconds' }),
    ),
  },
  CLOSED,
);
export type Finding = Static<typeof Finding>;

/** Most findings of one answer. */
export const MAX_FINDINGS = 64;

/** A refusal on our own routes, `application/problem+json` (DEC-3, RFC 9457). */
export const ProblemDetails = Type.Object(
  {
    type: ascii('^urn:talos:problem:[A-Z_]{1,64}$', 84, 'urn:talos:problem:<code>'),
    title: text(256),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: ProblemCodeSchema,
    detail: Type.Optional(text(2048)),
    request_id: RequestId,
    hint: Type.Optional(Hint),
    retryable: Type.Optional(Type.Boolean()),
    findings: Type.Optional(Type.Array(Finding, { minItems: 1, maxItems: MAX_FINDINGS })),
    ...where,
  },
  CLOSED,
);
export type ProblemDetails = Static<typeof ProblemDetails>;

/** `error.data` of a JSON-RPC error with code -32010 (DEC-7). */
export const McpDenialData = Type.Object(
  {
    code: ProblemCodeSchema,
    ...where,
    hint: Hint,
    request_id: RequestId,
    receipt: Type.Optional(ReceiptId),
  },
  CLOSED,
);
export type McpDenialData = Static<typeof McpDenialData>;

/** Arguments of a call: any JSON object within the limit of a body. */
export const Arguments = Type.Record(Type.String(), Type.Unknown());

const items = Type.Array(Item, { minItems: 1, maxItems: 1024 });
const call = Type.Object({ server: ServerName, tool: ToolName }, CLOSED);

/** Body of `POST /talos/v1/authorize` (DEC-11): items as they are, or a call whose manifest gives them. */
export const AuthorizeRequest = Type.Union([
  Type.Object({ chain: Chain, items, arguments: Type.Optional(Arguments) }, CLOSED),
  Type.Object({ chain: Chain, call, arguments: Type.Optional(Arguments) }, CLOSED),
]);
export type AuthorizeRequest = Static<typeof AuthorizeRequest>;

/** Its answer: the decision, and the items it was made on. */
export const AuthorizeAnswer = Type.Object(
  { decision: Decision, items: Type.Array(Item, { maxItems: 1024 }) },
  CLOSED,
);
export type AuthorizeAnswer = Static<typeof AuthorizeAnswer>;
