import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

const THOUGHTS = 'reasoning.encrypted_content';

/** Names of OpenAI's models that think unasked, as its official clients tell them; before them some servers put a maker's. */
const THINKING = /^(?:[\w.-]+\/)?(?:o\d+(?:-|$)|gpt-(?!5-chat)(?:[5-9]|[1-9]\d)(?:[.-]|$))/;

/** True if an answer is to have thoughts whole, so that they can be sent back: nobody keeps them for the client (LLM-36). Models that do not
 *  think refuse to be asked for them. */
export function isToShowThoughts({ reasoning }: JsonObject, model: string): boolean {
  const isAsked =
    reasoning !== undefined &&
    isJsonObject(reasoning) &&
    Object.values(reasoning).some((value) => value !== null);
  return isAsked || THINKING.test(model);
}

/** `include` of a request, with thoughts. */
export function withThoughts(include: JsonValue | undefined): readonly JsonValue[] {
  const asked = Array.isArray(include) ? include : [];
  return asked.includes(THOUGHTS) ? asked : [...asked, THOUGHTS];
}
