import type { AuditEvent } from '@talosprotocol/contracts';
import type { VerifiedReceipt } from '../receipt.js';
import type { Trust } from '../trust-file.js';
import { type Account, NEVER_SHOWN, NO_WITNESSES } from './account.js';
import { logKeys } from './bundle-account.js';
import { countOf, momentOf, nameOf } from './phrase.js';
import { witnessSentences } from './vouchers.js';

/** Tells what a receipt proved (AUD-62). */
export function accountOfReceipt(
  { event, index, size, cosignatures }: VerifiedReceipt,
  trust: Trust,
): Account {
  const quorum = trust.logs.get(event.origin)?.witnesses?.quorum ?? 0;
  return {
    proven: true,
    headline: 'This record is in a log that you trust, as it was logged.',
    shown: [
      `It is record ${index} of the log ${nameOf(event.origin)}, of ${momentOf(event.time)}: ${whatHappened(event)}.`,
      `The log signed its state of ${countOf(size, 'record')}, and the record is in it, unchanged.`,
      ...witnessSentences(cosignatures),
    ],
    notShown: [
      'that the grants allowed it: a receipt is one record, and the grants are others; a bundle has them',
      'that nothing else happened: a bundle shows that nothing is missing',
      ...(quorum > 0 ? [] : [NO_WITNESSES]),
      ...NEVER_SHOWN,
    ],
    trusted: [
      ...logKeys(event.origin, trust),
      { role: 'may record', name: nameOf(event.emitter) },
      ...cosignatures.map(({ name }) => ({ role: 'witness' as const, name: nameOf(name) })),
    ],
  };
}

function whatHappened(event: AuditEvent): string {
  if (event.type === 'decision') return decisionOf(event);
  if (event.type === 'outcome') return `a call ended, ${event.status.replaceAll('_', ' ')}`;
  if (event.type === 'session.opened')
    return `${nameOf(event.principal?.sub ?? 'an agent')} opened a session`;
  return `something of the kind ${event.type}`;
}

function decisionOf({ effect, code, action, principal }: Extract<AuditEvent, { type: 'decision' }>): string {
  const { method, server = action.provider, tool = action.model } = action;
  const what = server === undefined ? method : [server, tool].filter((one) => one !== undefined).join('/');
  const who = principal === null ? 'of a caller who showed no grant' : `of ${nameOf(principal.sub)}`;
  return `a call ${who} to ${nameOf(what)} was ${effect === 'allow' ? 'allowed' : `refused (${code ?? 'no code'})`}`;
}
