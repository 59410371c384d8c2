import type { DecisionCode } from '@talosprotocol/contracts';
import { DECISION_CODES, MAX_ITEM_SCOPE } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import { adviceOn, cut } from '../../platform/advice.js';

/** A refusal as it is answered and recorded (DEC-1). */
export interface Refusal {
  readonly code: DecisionCode;
  readonly link?: number;
  readonly item?: string;
  readonly caveat?: string;
  readonly hint: string;
}

/** Bytes, as in the schema of a denial. */
const MAX = { item: 'write '.length + MAX_ITEM_SCOPE, caveat: 2048, hint: 1024 };

/** Any error while deciding is a refusal (DEC-2). What is no code of a decision is a part that is not available. */
export function toRefusal(error: unknown): Refusal {
  if (!isTrustError(error)) return { code: 'UNAVAILABLE', hint: adviceOn('UNAVAILABLE') };
  const code = isDecisionCode(error.code) ? error.code : 'UNAVAILABLE';
  const { link, item, caveat, hint, reason } = error.data;
  // Where another error stands behind it, its hint was made for another moment.
  const said =
    code === error.code ? (hint ?? adviceOn(code, reason)) : `${reason ?? error.code}. ${adviceOn(code)}`;
  return {
    code,
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item: cut(item, MAX.item) }),
    ...(caveat === undefined ? {} : { caveat: cut(caveat, MAX.caveat) }),
    hint: cut(said, MAX.hint),
  };
}

function isDecisionCode(code: string): code is DecisionCode {
  return (DECISION_CODES as readonly string[]).includes(code);
}
