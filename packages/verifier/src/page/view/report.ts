import type { Account } from '@talosprotocol/protocol';
import type { CallRow, Result } from '../result.js';
import { drawCalls } from './calls-table.js';
import { drawChain } from './chain-picture.js';
import { element } from './element.js';
import { foreign } from './text.js';

/** Draws what a verification found; the verdict takes the focus. */
export function drawReport(result: Result, into: HTMLElement): void {
  const { account, facts, calls } = result;
  const verdict = drawVerdict(account);
  into.replaceChildren(
    verdict,
    element(
      'div',
      { class: 'columns' },
      ...(account.shown.length === 0
        ? []
        : [sentences(account.proven ? 'What was proven' : 'What this means', 'shown', account.shown)]),
      sentences('What was not proven', 'not-shown', account.notShown),
    ),
    ...(account.trusted.length + facts.length > 0 ? [drawSources(account, facts)] : []),
    ...(calls.length > 0 ? drawHistory(result) : []),
  );
  verdict.querySelector('h2')?.focus();
}

function drawVerdict({ proven, headline }: Account): HTMLElement {
  return element(
    'section',
    { class: `verdict ${proven ? 'proven' : 'failed'}` },
    element(
      'h2',
      { tabindex: -1 },
      element('span', { class: 'stamp' }, proven ? 'Proven' : 'Not proven'),
      element('span', { class: 'headline' }, headline),
    ),
  );
}

function sentences(title: string, kind: string, texts: readonly string[]): HTMLElement {
  const items = texts.map((text) => element('li', {}, element('bdi', {}, text)));
  return element('section', { class: `card ${kind}` }, element('h2', {}, title), element('ul', {}, ...items));
}

function drawSources({ trusted }: Account, facts: Result['facts']): HTMLElement {
  const pairs = (rows: readonly (readonly [string, string])[]): HTMLElement =>
    element(
      'dl',
      {},
      ...rows.flatMap(([name, value]) => [
        element('dt', {}, foreign(name, 60)),
        element('dd', {}, foreign(value, 500)),
      ]),
    );
  const keys = trusted.map(({ role, name }) => [role, name] as const);
  return element(
    'section',
    { class: 'card' },
    ...(keys.length === 0
      ? []
      : [element('h2', {}, 'On whose word, because your trust file says so'), pairs(keys)]),
    ...(facts.length === 0 ? [] : [element('h2', {}, 'Which log'), pairs(facts)]),
  );
}

/** The calls, and beside them the grants of the one that is chosen; of the first at first. */
function drawHistory(result: Result): HTMLElement[] {
  const { calls, chains } = result;
  const picture = element('section', {
    class: 'card grants',
    'aria-live': 'polite',
    'aria-label': 'The chain of grants',
    tabindex: -1,
  });
  const show = (call: CallRow): void => {
    const chain = chains[call.cth];
    const drawn =
      chain === undefined ? [] : [element('h2', {}, 'The chain of grants'), drawChain(chain, call)];
    picture.replaceChildren(...drawn);
    picture.hidden = drawn.length === 0;
  };
  const choose = (call: CallRow): void => {
    show(call);
    picture.focus();
    picture.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  };
  const first = calls.find(({ cth, asked }) => asked && cth in chains) ?? calls[0];
  if (first !== undefined) show(first);
  return [element('div', { class: 'history' }, drawCalls(result, choose), picture)];
}
