import type { EventRecord } from '@talosprotocol/contracts';
import { priceOf } from '@talosprotocol/protocol';
import { formatCost } from '../../money.js';
import { printable } from '../../printable.js';

/** One event in one line. */
export function describeEvent({ index, event }: EventRecord): string {
  const what = printable(detailOf(event));
  const who = event.principal === null ? '' : ` by ${event.principal.sub}`;
  return `${String(index).padStart(6)} ${event.time} ${event.type}${what}${printable(who)}`;
}

function detailOf(event: EventRecord['event']): string {
  switch (event.type) {
    case 'decision': {
      const { action, effect, code, request } = event;
      const { server = action.provider, tool = action.model } = action;
      const target = [server, tool].filter((part) => part !== undefined).join('/');
      return ` ${effect}${code === null ? '' : ` ${code}`} ${action.method} ${target} ${request}`;
    }
    case 'outcome': {
      const price = priceOf(event);
      return ` ${event.status}${price === undefined ? '' : ` ${formatCost(price)}`} ${event.request}`;
    }
    case 'disclosures.erased':
      return ` of ${event.count} by ${event.of} ${event.event ?? event.agent ?? ''}`;
    case 'log.pruned':
      return ` bodies of ${event.from} to ${event.to - 1} by ${event.of}`;
    case 'revocation':
      return ` ${event.lid} by ${event.by}`;
    case 'denials':
      return ` ${event.count} ${event.code}`;
    default:
      return '';
  }
}
