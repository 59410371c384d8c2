import type { JsonValue } from '@talosprotocol/protocol';

/** What models are called: no sentence, and nothing that a reader of spans could take for more than a name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/;

/** `model` of a provider's answer; undefined if that is no name. It is shown to who watches, and decides nothing. */
export function toldModel(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && NAME.test(value) ? value : undefined;
}
