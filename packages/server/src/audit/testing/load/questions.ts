import type { EventFilter } from '@talosprotocol/contracts';
import { hashOf, type Traffic } from '../traffic.js';
import type { Kind, Remembered } from './remembered.js';

/** The span that the log is about. */
export const DAYS = 30;
export const BEGIN = Date.parse('2026-01-05T00:00:00.000Z');

/** A tool that is called a few times, long ago. */
export const SELDOM = { server: 'seldom', tool: 'seldom_used' };

/** Values that questions are made of. */
export interface Picker {
  /** Of an event anywhere in the log that is so. */
  event(is?: (kind: Kind) => boolean): Kind;
  /** Some days. */
  span(): Required<Pick<EventFilter, 'since' | 'until'>>;
  /** One of the links that all chains, or a third of them, hold. */
  link(place: 0 | 1): string;
  number(below: number): number;
}

export function createPicker(remembered: Remembered, traffic: Traffic, random: () => number): Picker {
  const number = (below: number): number => Math.floor(random() * below);
  const event: Picker['event'] = (is = () => true) => {
    for (;;) {
      const kind = remembered.kind(number(remembered.size));
      if (is(kind)) return kind;
    }
  };
  return {
    number,
    event,
    span: () => {
      const from = BEGIN + number(DAYS - 3) * 86_400_000 + number(86_400_000);
      const until = from + number(2 * 86_400_000) + 60_000;
      return { since: new Date(from).toISOString(), until: new Date(until).toISOString() };
    },
    link: (place) => {
      const deep = traffic.chains.filter((chain) => chain.split('~').length > 2);
      return hashOf(deep[number(deep.length)]?.split('~')[place] ?? '');
    },
  };
}

export interface Question {
  readonly filter: EventFilter;
  readonly order?: 'newest' | 'oldest';
  /** Goes on behind this event instead of beginning anew. */
  readonly behind?: number;
}

const isCall = ({ agent, tool }: Kind): boolean => agent !== undefined && tool !== undefined;
const isDenied = ({ agent, code, effect }: Kind): boolean =>
  agent !== undefined && code !== undefined && effect === 'deny';
const isPaid = ({ currency }: Kind): boolean => currency !== undefined;
const only = (kind: Kind, ...names: (keyof EventFilter & keyof Kind)[]): EventFilter =>
  Object.fromEntries(names.flatMap((name) => (kind[name] === undefined ? [] : [[name, kind[name]]])));

/** Every way to ask, by name. */
export const QUESTIONS: Readonly<Record<string, (pick: Picker) => Question>> = {
  newest: () => ({ filter: {} }),
  agent: (pick) => ({ filter: only(pick.event(isCall), 'agent') }),
  'agent oldest': (pick) => ({ filter: only(pick.event(isCall), 'agent'), order: 'oldest' }),
  capability: (pick) => ({ filter: { capability: pick.event(isCall).cth ?? '' } }),
  'capability of all': (pick) => ({ filter: { capability: pick.link(0) } }),
  'capability of a third': (pick) => ({ filter: { capability: pick.link(1) } }),
  server: (pick) => ({ filter: only(pick.event(isCall), 'server') }),
  tool: (pick) => ({ filter: only(pick.event(isCall), 'tool') }),
  op: (pick) => ({ filter: only(pick.event(isCall), 'op') }),
  effect: (pick) => ({ filter: only(pick.event(isCall), 'effect') }),
  code: (pick) => ({ filter: only(pick.event(isDenied), 'code') }),
  status: (pick) => ({ filter: only(pick.event(isPaid), 'status') }),
  type: (pick) => ({ filter: only(pick.event(), 'type') }),
  currency: (pick) => ({ filter: only(pick.event(isPaid), 'currency') }),
  min_cost: (pick) => ({ filter: { min_cost: 1 + pick.number(1_000_000) } }),
  time: (pick) => ({ filter: pick.span() }),
  'agent effect': (pick) => ({ filter: only(pick.event(isDenied), 'agent', 'effect') }),
  'agent tool server': (pick) => ({ filter: only(pick.event(isCall), 'agent', 'tool', 'server') }),
  'agent time': (pick) => ({ filter: { ...only(pick.event(isCall), 'agent'), ...pick.span() } }),
  'agent code time': (pick) => ({
    filter: { ...only(pick.event(isDenied), 'agent', 'code'), ...pick.span() },
  }),
  'agent status currency': (pick) => ({ filter: only(pick.event(isPaid), 'agent', 'status', 'currency') }),
  'agent min_cost': (pick) => ({
    filter: { ...only(pick.event(isPaid), 'agent'), min_cost: 1 + pick.number(900_000) },
  }),
  'capability tool time': (pick) => {
    const call = pick.event(isCall);
    return { filter: { ...only(call, 'tool'), capability: call.cth ?? '', ...pick.span() } };
  },
  'capability of all, code': (pick) => ({
    filter: { capability: pick.link(0), ...only(pick.event(isDenied), 'code') },
  }),
  'capability of all, min_cost': (pick) => ({
    filter: { capability: pick.link(0), min_cost: 1 + pick.number(900_000) },
  }),
  'server tool op effect': (pick) => ({ filter: only(pick.event(isCall), 'server', 'tool', 'op', 'effect') }),
  'tool min_cost currency': (pick) => ({
    filter: { ...only(pick.event(isPaid), 'tool', 'currency'), min_cost: 1 + pick.number(900_000) },
  }),
  'everything at once': (pick) => {
    const call = pick.event(isPaid);
    const named = only(call, 'agent', 'server', 'tool', 'op', 'surface', 'effect', 'status', 'currency');
    return {
      filter: {
        ...named,
        type: 'outcome',
        capability: call.cth ?? '',
        min_cost: 1 + pick.number(1_000),
        ...pick.span(),
      },
    };
  },
  'deep page': (pick) => ({ filter: {}, behind: pick.number(500_000) }),
  'deep page of an agent': (pick) => ({
    filter: only(pick.event(isCall), 'agent'),
    behind: pick.number(500_000),
  }),
  'deep page of a code': (pick) => ({
    filter: only(pick.event(isDenied), 'code'),
    behind: pick.number(500_000),
  }),
  'deep page of a tool, min_cost': (pick) => ({
    filter: { ...only(pick.event(isPaid), 'tool'), min_cost: 1 + pick.number(900_000) },
    behind: pick.number(500_000),
  }),
  'rare tool': () => ({ filter: { tool: SELDOM.tool } }),
  'rare tool oldest': () => ({ filter: { server: SELDOM.server }, order: 'oldest' }),
  'absent agent': () => ({ filter: { agent: `did:web:nobody.example` } }),
  'absent tool': () => ({ filter: { tool: 'no_such_tool' } }),
  'absent code': (pick) => ({ filter: { ...only(pick.event(isCall), 'tool'), code: 'REVOKED' } }),
  'absent: agent and tool that never met': (pick) => ({
    filter: { ...only(pick.event(isCall), 'agent'), ...SELDOM },
  }),
  'absent: tool at a price it never had': (pick) => ({
    filter: { ...only(pick.event(isPaid), 'tool'), min_cost: 9_000_000 },
  }),
  'absent: time before the log': (pick) => ({
    filter: { ...only(pick.event(isCall), 'agent'), until: '2025-12-31T00:00:00.000Z' },
  }),
};
