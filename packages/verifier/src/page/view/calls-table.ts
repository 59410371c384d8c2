import { printable } from '@talosprotocol/protocol';
import type { CallRow, Result } from '../result.js';
import { element } from './element.js';
import { foreign, shortName, shortTime } from './text.js';

const PAGE = 100;
const COLUMNS = ['Record', 'Time (UTC)', 'Agent', 'Call', 'Verdict', 'How it ended', 'Cost', 'Grants'];

/** The table of calls, a page of it at a time. `choose` is told of which call the grants are asked for. */
export function drawCalls(result: Result, choose: (call: CallRow) => void): HTMLElement {
  const { calls, chains } = result;
  const body = element('tbody');
  const count = element('p', { role: 'status', class: 'count' });
  const find = element('input', {
    type: 'search',
    id: 'find',
    autocomplete: 'off',
    maxlength: 200,
    placeholder: 'agent, tool, code …',
  });
  const [back, next] = [pageButton('Previous'), pageButton('Next')];
  let found = calls;
  let at = 0;
  const show = (): void => {
    const rows = found.slice(at, at + PAGE);
    body.replaceChildren(...rows.map((call) => rowOf(call, call.cth in chains, choose)));
    const range = rows.length === 0 ? 'none' : `${at + 1} to ${at + rows.length}`;
    count.textContent = `${range} of ${found.length} calls${notListed(result)}`;
    back.disabled = at === 0;
    next.disabled = at + PAGE >= found.length;
  };
  const turn = (by: number): void => {
    at = Math.max(0, at + by);
    show();
  };
  back.onclick = () => turn(-PAGE);
  next.onclick = () => turn(PAGE);
  find.oninput = () => {
    const wanted = find.value.trim().toLowerCase();
    found = wanted === '' ? calls : calls.filter((call) => textOf(call).includes(wanted));
    at = 0;
    show();
  };
  show();
  return element(
    'section',
    { class: 'card calls', 'aria-labelledby': 'calls-title' },
    element('h2', { id: 'calls-title' }, 'The calls'),
    element('div', { class: 'tools' }, element('label', { for: 'find' }, 'Find'), find, count, back, next),
    element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-labelledby': 'calls-title' },
      table(body),
    ),
  );
}

/** Calls that no row is of. */
function notListed({ more, summed }: Result): string {
  const verified = more > 0 ? `; ${more} more were verified and are not listed` : '';
  return summed > 0 ? `${verified}; refusals only counted, and not listed: ${summed}` : verified;
}

function table(body: HTMLElement): HTMLElement {
  const heads = COLUMNS.map((name) => element('th', { scope: 'col' }, name));
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body);
}

function pageButton(name: string): HTMLButtonElement {
  return element('button', { type: 'button' }, name);
}

function textOf({ index, agent, action, end, items, kind, allowed }: CallRow): string {
  return [index, agent, action, end, kind, allowed ? 'allowed' : 'refused', ...items].join(' ').toLowerCase();
}

function rowOf(call: CallRow, hasChain: boolean, choose: (call: CallRow) => void): HTMLElement {
  const { index, time, agent, action, allowed, end, cost, kind, asked } = call;
  const verdict = element(
    'span',
    { class: allowed ? 'tag allowed' : 'tag refused' },
    allowed ? 'allowed' : 'refused',
  );
  return element(
    'tr',
    {
      class: asked ? undefined : 'aside',
      title: asked ? undefined : 'Not asked for: shown so that nothing is missing',
    },
    element('th', { scope: 'row' }, String(index)),
    element('td', {}, shortTime(time)),
    element('td', {}, agent === '' ? element('span', { class: 'faint' }, 'nobody proven') : shortName(agent)),
    element('td', { class: 'action' }, foreign(action, 120)),
    element('td', {}, verdict),
    element('td', {}, foreign(end.replaceAll('_', ' ').toLowerCase(), 40)),
    element('td', { class: 'cost' }, printable(cost, 40)),
    element(
      'td',
      {},
      hasChain ? grantsButton(call, choose) : element('span', { class: 'faint' }, printable(kind, 20)),
    ),
  );
}

function grantsButton(call: CallRow, choose: (call: CallRow) => void): HTMLElement {
  const button = element(
    'button',
    { type: 'button', class: 'link', 'aria-label': `Show the grants of record ${call.index}` },
    'Show',
  );
  button.onclick = () => choose(call);
  return button;
}
