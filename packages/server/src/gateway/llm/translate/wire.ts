import { isTrustError, type JsonObject, TrustError } from '@talosprotocol/protocol';
import { assertBetas } from '../betas.js';
import { CHAT } from '../chat.js';
import type { Dialect, RequestShape } from '../dialect.js';
import { MESSAGES } from '../messages.js';
import type { ModelTarget } from '../model-name.js';
import type { ProviderPolicy } from '../provider.js';
import { searchesUnasked } from '../searching.js';
import { chatAnswer } from './chat-answer.js';
import { chatRequest } from './chat-request.js';
import { createChatStream } from './chat-stream.js';
import { messageAnswer } from './message-answer.js';
import { messageRequest } from './message-request.js';
import { createMessageStream } from './message-stream.js';
import type { TellEvent, Translation } from './translation.js';

/** How a call gets to its provider, and the answer back. */
export interface Wire {
  /** What the provider is spoken to in. */
  readonly dialect: Dialect;
  /** Of what it is told. */
  readonly shape: RequestShape;
  readonly body: JsonObject;
  /** Betas that go on with it. */
  readonly betas: readonly string[];
  /** Most bytes of it that can be read as tokens. */
  readonly bytes: number;
  /** Absent where client and provider speak the same: answers go through as they are. */
  readonly back: { answer(text: string): JsonObject; stream(): TellEvent } | undefined;
}

/** A request as it was read. */
interface Said {
  readonly dialect: Dialect;
  readonly body: JsonObject;
  readonly bytes: Uint8Array;
  /** What Anthropic's clients want besides; undefined: nothing. */
  readonly betas?: readonly string[];
}

interface Route {
  readonly to: Dialect;
  readonly translation: Translation;
}

/** What is translated, by the method of the client; nothing else is (LLM-30). */
const ROUTES: ReadonlyMap<string, Route> = new Map([
  [
    CHAT.method,
    {
      to: MESSAGES,
      translation: { request: messageRequest, answer: chatAnswer, stream: createChatStream },
    },
  ],
  [
    MESSAGES.method,
    {
      to: CHAT,
      translation: { request: chatRequest, answer: messageAnswer, stream: createMessageStream },
    },
  ],
]);

/** Who asks, as far as it matters to who may answer. */
export type Speaker = Pick<Dialect, 'api' | 'method'>;

/** True if a provider may be asked by clients of this protocol. */
export function isServed({ api, method }: Speaker, provider: ProviderPolicy): boolean {
  return provider.api === api || (provider.translate && ROUTES.get(method)?.to.api === provider.api);
}

/** Makes the way to a provider.
 *  @throws {TrustError} UNKNOWN_MODEL: it speaks another protocol; MALFORMED | POLICY_DENIED: as the dialects say, or what the
 *    provider's protocol cannot say */
export function wireOf(said: Said, target: ModelTarget, now: number): Wire {
  const wire = wayTo(said, target, now);
  const { shape } = wire;
  // A client may have named an alias: what the model does that is asked counts, in whichever protocol.
  if (!searchesUnasked(target.model) || shape.features.includes('web_search')) return wire;
  return { ...wire, shape: { ...shape, features: [...shape.features, 'web_search'] } };
}

function wayTo(
  { dialect, body: written, bytes, betas = [] }: Said,
  { provider, model }: ModelTarget,
  now: number,
): Wire {
  const body = dialect.meant?.(written) ?? written;
  if (provider.api === dialect.api) {
    provider.host.assertServes(dialect);
    const shape = dialect.readRequest(body, provider.fields);
    assertBetas(betas, provider.betas);
    return { dialect, shape, body, betas, bytes: bytes.length, back: undefined };
  }
  const route = ROUTES.get(dialect.method);
  if (route === undefined || !isServed(dialect, provider)) throw otherProtocol(provider, route !== undefined);
  const { to, translation } = route;
  provider.host.assertServes(to);
  // What the operator lets through is of the provider's protocol, and no client of another can say it.
  const asked = dialect.readRequest(body, []);
  // None of those that pass says anything that the other protocol has.
  assertBetas(betas);
  const at = Math.floor(now / 1000);
  const context = { asked, model, maxOutputTokens: provider.maxOutputTokens, at };
  const said = translation.request(body, context);
  const shape = to.readRequest(said, []);
  return {
    dialect: to,
    shape: {
      ...shape,
      // Whether its client hears of the count is the translation's affair, which has to see it.
      wantsUsage: true,
      features: [...new Set([...asked.features, ...shape.features])],
    },
    body: said,
    betas: [],
    bytes: Math.max(bytes.length, Buffer.byteLength(JSON.stringify(said))),
    back: {
      answer: (text) => translation.answer(text, context),
      stream: () => translation.stream(context),
    },
  };
}

/** True if a request can be carried to a model without loss; where nothing is translated it always is. */
export function canBeSaid(said: Said, target: ModelTarget): boolean {
  if (target.provider.api === said.dialect.api) return true;
  try {
    wireOf(said, target, 0);
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}

function otherProtocol({ name, api }: ProviderPolicy, isTranslatable: boolean): TrustError {
  const more = isTranslatable ? ' The operator can have it translated (`translate` of the provider).' : '';
  return new TrustError('UNKNOWN_MODEL', `the provider ${name} speaks another protocol`, {
    hint: `This model is served on the routes of ${api}.${more}`,
  });
}
