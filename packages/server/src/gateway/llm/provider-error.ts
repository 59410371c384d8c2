import { isJsonObject, type JsonObject, type JsonValue, TrustError } from '@talosprotocol/protocol';
import { parseProviderObject } from './provider-json.js';

/** A stream in which its provider says that it failed. What it says of it may be of the operator's account, and is not told. */
export function endedByError(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the provider ended the stream with an error');
}

/** What is told in the place of what a provider says of its failure. */
export const TOLD_ERROR: JsonObject = { code: 'server_error', message: 'The provider could not answer.' };

/** True if it is an error and nothing else, as servers say it in forms that the protocol of the route need not have. */
function isErrorObject({ object, type }: JsonObject): boolean {
  return object === 'error' || type === 'error';
}

/** Looks at one event of a stream, whichever its protocol: servers tell an error as that of another, or leave out what makes it one.
 *  @throws {TrustError} UPSTREAM_FAILED: it is one */
export function assertNoError(event: JsonObject, name: string | undefined): void {
  if (name === 'error' || isErrorObject(event) || withToldError(event) !== event) throw endedByError();
}

/** An answer with a fixed error in place of each that its provider put into it; the same object if there is none. */
export function withToldError(answer: JsonObject): JsonObject {
  const { choices } = answer;
  const told = hasError(answer) ? { ...answer, error: TOLD_ERROR } : answer;
  if (!Array.isArray(choices) || !choices.some(hasError)) return told;
  return { ...told, choices: choices.map((one) => (hasError(one) ? { ...one, error: TOLD_ERROR } : one)) };
}

/** True if its provider says of an answer, in the form of one, that it failed: it has no error then. */
export function saysFailed({ status, choices }: JsonObject): boolean {
  const all = Array.isArray(choices) ? choices.filter(isJsonObject) : [];
  return status === 'failed' || all.some(({ finish_reason: reason }) => reason === 'error');
}

/** What answers have, of every protocol. */
const ANSWERS = ['choices', 'output', 'content', 'data', 'input_tokens'] as const;

/** True of what is no answer of any protocol: proxies in front of providers answer 200 before they know, and then say in
 *  some form that there is none. */
export function isNoAnswer(body: JsonObject): boolean {
  const hasError = body['error'] != null;
  return isErrorObject(body) || ANSWERS.every((name) => isNothing(body[name], hasError));
}

/** An empty list is an answer, unless an error stands beside it. */
function isNothing(value: JsonValue | undefined, hasError: boolean): boolean {
  return value == null || (hasError && Array.isArray(value) && value.length === 0);
}

/** A refusal without the list in which Google's stands alone; as it is if it is in none.
 *  @throws {TrustError} UPSTREAM_FAILED: it begins as a list, and is no JSON */
export function unlisted(text: string): string {
  if (!/^\s*\[/.test(text)) return text;
  const { list } = parseProviderObject(`{"list":${text}}`);
  return Array.isArray(list) && list.length === 1 ? JSON.stringify(list[0]) : text;
}

/** How providers begin to say with the status of a fault of the request that they do not serve the operator: Anthropic of credit that is
 *  used up, Google of a key that is none and of where it serves nobody, OpenAI of its hard limit. */
const OF_ACCOUNT = new RegExp(
  `^(?:${[
    'your credit balance is too low',
    'you have reached your specified (?:\\w+ )?API usage limits',
    'API key (?:not valid|expired)',
    'user location is not supported',
    'gemini API free tier is not available',
    'billing hard limit',
  ].join('|')})`,
  'i',
);

/** True of a refusal that is about the operator's account, whatever its status says. */
export function isOfAccount(text: string): boolean {
  try {
    const { error = null } = parseProviderObject(text);
    if (error === null || !isJsonObject(error)) return false;
    const { message } = error;
    return typeof message === 'string' && OF_ACCOUNT.test(message);
  } catch {
    return false;
  }
}

/** What of a refusal is a client's to know. */
const TOLD = ['message', 'type', 'code', 'param'] as const;
const MOST_TEXT = 2_048;

/** A refusal in the form of its protocol, with what is its own of it and nothing else: some servers put there what their model
 *  wrote, which would be had for nothing. Undefined if it says nothing in that form. */
export function toldRefusal({ type, error }: JsonObject): JsonObject | undefined {
  const form = type === 'error' ? { type } : {};
  if (typeof error === 'string') return { ...form, error: error.slice(0, MOST_TEXT) };
  if (error === undefined || !isJsonObject(error) || typeof error['message'] !== 'string') return undefined;
  const told: Record<string, JsonValue> = {};
  for (const name of TOLD) {
    const value = error[name];
    if (typeof value === 'string') told[name] = value.slice(0, MOST_TEXT);
    else if (value === null || typeof value === 'number') told[name] = value;
  }
  return { ...form, error: told };
}

function hasError(value: JsonValue): value is JsonObject {
  return isJsonObject(value) && value['error'] != null;
}
