import type { Cost, EventRecord } from '@talosprotocol/contracts';
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
      const target = [action.server, action.tool].filter((part) => part !== undefined).join('/');
      return ` ${effect}${code === null ? '' : ` ${code}`} ${action.method} ${target} ${request}`;
    }
    case 'outcome':
      return ` ${event.status}${event.cost === undefined ? '' : ` ${describeCost(event.cost)}`} ${event.request}`;
    case 'revocation':
      return ` ${event.lid} by ${event.by}`;
    case 'denials':
      return ` ${event.count} ${event.code}`;
    default:
      return '';
  }
}

/** Money with all digits that say something: `0.0125 EUR`. */
export function describeCost({ amount, currency }: Cost): string {
  const micro = String(amount).padStart(7, '0');
  const fraction = micro.slice(-6).replace(/0{1,4}$/, '');
  return `${micro.slice(0, -6)}.${fraction} ${currency}`;
}
