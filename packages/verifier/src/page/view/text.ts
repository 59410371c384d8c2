import { printable } from '@talosprotocol/protocol';
import { element } from './element.js';

/** Text of the evidence, cut, with what could not be seen made visible, and without say in the direction of what stands
 *  around it. */
export function foreign(text: string, most = 300): HTMLElement {
  return element(
    'bdi',
    { title: text.length > most ? printable(text, 2_000) : undefined },
    printable(text, most),
  );
}

const SHORT = 22;

/** A long name, whose ends tell people most; the whole of it is there for whoever points at it, copies or listens. */
export function shortName(name: string): HTMLElement {
  const whole = printable(name, 300);
  if (whole.length <= SHORT) return element('bdi', { class: 'name' }, whole);
  const key = whole.startsWith('did:key:') ? whole.slice('did:key:'.length) : whole;
  const shown = key.length <= SHORT ? key : `${key.slice(0, 10)}…${key.slice(-8)}`;
  return element(
    'bdi',
    { class: 'name', title: whole },
    element('span', { 'aria-hidden': 'true' }, shown),
    element('span', { class: 'hidden' }, whole),
  );
}

/** `2026-11-23 12:00:00`; what is no time is shown as it is. */
export function shortTime(time: string): HTMLElement {
  const shown = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(time)
    ? `${time.slice(0, 10)} ${time.slice(11, 19)}`
    : printable(time, 32);
  return element('time', { datetime: printable(time, 32) }, shown);
}
