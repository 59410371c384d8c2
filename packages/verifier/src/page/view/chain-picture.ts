import type { CallRow, ChainView, LinkView } from '../result.js';
import { drawing, element } from './element.js';
import { foreign, shortName } from './text.js';

/** Grants of one link that are drawn. */
const MAX_GRANTS = 12;
/** Items of the call that are drawn. */
const MAX_ITEMS = 4;

/** Draws who granted what to whom, from whom the auditor trusts down to the call. */
export function drawChain({ links }: ChainView, call: CallRow | undefined): HTMLElement {
  const list = element('ol', { class: 'chain' });
  const [root] = links;
  if (root !== undefined) list.append(person(root.issuer, 'trusted by your trust file', 'anchor'));
  for (const [i, link] of links.entries()) {
    const isLast = i === links.length - 1;
    list.append(
      grant(link),
      person(link.holder, isLast ? 'the agent' : 'handed on', isLast ? 'agent' : 'holder'),
    );
  }
  if (call !== undefined) list.append(arrow('asked for'), outcome(call));
  return element('figure', { class: 'picture' }, element('figcaption', {}, captionOf(links, call)), list);
}

function captionOf(links: readonly LinkView[], call: CallRow | undefined): string {
  const grants = links.length === 1 ? 'one grant' : `${links.length} grants`;
  return call === undefined ? `A chain of ${grants}` : `Record ${call.index}: a call on a chain of ${grants}`;
}

function person(name: string, role: string, kind: 'anchor' | 'holder' | 'agent'): HTMLElement {
  return element(
    'li',
    { class: `person ${kind}` },
    icon(kind),
    element('div', {}, element('span', { class: 'role' }, role), shortName(name)),
  );
}

function grant({ grants, limits, until }: LinkView): HTMLElement {
  const more = grants.length - MAX_GRANTS;
  const lines = grants.slice(0, MAX_GRANTS).map((text) => element('li', {}, foreign(text, 400)));
  return arrow(
    'grants',
    element('ul', {}, ...lines, ...(more > 0 ? [element('li', {}, `and ${more} more`)] : [])),
    element(
      'p',
      { class: 'until' },
      [...limits, `until ${until.slice(0, 16).replace('T', ' ')} UTC`].join(' · '),
    ),
  );
}

function arrow(label: string, ...details: readonly Node[]): HTMLElement {
  return element(
    'li',
    { class: 'grant' },
    shaft(),
    element('div', {}, element('span', { class: 'role' }, label), ...details),
  );
}

function outcome({ action, allowed, end, items, moreItems }: CallRow): HTMLElement {
  const verdict = allowed ? 'allowed' : 'refused';
  const more = items.length + moreItems - MAX_ITEMS;
  return element(
    'li',
    { class: `person ${verdict}` },
    icon(verdict),
    element(
      'div',
      {},
      element(
        'span',
        { class: 'role' },
        end === '' ? verdict : `${verdict}, ${end.replaceAll('_', ' ').toLowerCase()}`,
      ),
      foreign(action),
      ...items.slice(0, MAX_ITEMS).map((item) => element('p', { class: 'until' }, foreign(item, 400))),
      ...(more > 0 ? [element('p', { class: 'until' }, `and ${more} more`)] : []),
    ),
  );
}

/** The line from one to the next, as long as what stands beside it. */
function shaft(): SVGElement {
  return drawing(
    'svg',
    { class: 'shaft', viewBox: '0 0 20 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    drawing('path', { d: 'M10 0 V100', 'vector-effect': 'non-scaling-stroke' }),
  );
}

const SHAPES = {
  anchor: 'M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z M9 12l2 2 4-4',
  holder: 'M8 12a4 4 0 1 1 2.6 3.7L9 17.3V19H7v2H4v-3l4.3-4.3A4 4 0 0 1 8 12z M13 10.5h.01',
  agent: 'M12 4a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z M5 20c.6-4 3.4-6 7-6s6.4 2 7 6',
  allowed: 'M5 12.5l4.5 4.5L19 7.5',
  refused: 'M6.5 6.5l11 11 M17.5 6.5l-11 11',
} as const;

function icon(kind: keyof typeof SHAPES): SVGElement {
  return drawing(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    drawing('path', { d: SHAPES[kind] }),
  );
}
