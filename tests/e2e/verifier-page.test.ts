import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  accountOfBundle,
  accountOfReceipt,
  canonicalize,
  createReceipt,
  createTreeHasher,
  encodeUtf8,
  eventBytes,
  makeProof,
  type NodeId,
  parseReceipt,
  parseTrustFile,
  planInclusion,
  portableCrypto,
  rootOf,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chainEvent,
  commitTo,
  type Draft,
  decisionEvent,
  makeChain,
  type Sequenced,
  sequence,
  sessionEvent,
  signerOf,
  trustFile,
} from '../../packages/protocol/src/evidence/testing/ledger.js';
import { exportSelection, signTree } from '../../packages/protocol/src/evidence/testing/selection.js';
import { createPageRoute } from '../../packages/server/src/audit/page-route.js';
import { createListener } from '../../packages/server/src/platform/http.js';
import { createLog } from '../../packages/server/src/platform/log.js';
import { clock, random } from '../../packages/server/src/platform/system.js';
import { writePage } from '../../packages/verifier/src/build.js';
import { PAGE_FILE, readPage } from '../../packages/verifier/src/index.js';
import { openBrowser } from '../support/browser.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const chain = makeChain();
const helper = signerOf(7);
const other = makeChain({ bearer: true, leaf: { sub: helper.did } });

/** Calls of two agents, one of them refused. */
function story(calls: number): Sequenced[] {
  const drafts: Draft[] = [chainEvent(chain), sessionEvent(chain), chainEvent(other)];
  for (let i = 0; i < calls; i += 1) drafts.push(i % 3 === 1 ? byHelper() : decisionEvent(chain));
  drafts.push(decisionEvent(chain, { members: { effect: 'deny', code: 'SCOPE_MISMATCH', pin: null } }));
  return sequence(drafts);
}

function byHelper(): Draft {
  const made = decisionEvent(other, { sub: helper.did });
  const credential = { kind: 'bearer', cth: other.cth };
  return { ...made, members: { ...made.members, credential } };
}

const leavesOf = (events: readonly Sequenced[]) => events.map(({ event }) => hasher.leaf(eventBytes(event)));

function receiptOf(events: readonly Sequenced[], index: number): Uint8Array {
  const leaves = leavesOf(events);
  const read = ({ level, index: at }: NodeId) =>
    rootOf(hasher, leaves.slice(at * 2 ** level, (at + 1) * 2 ** level));
  const { event, disclosures } = events[index]!;
  const proof = makeProof(hasher, read, planInclusion(index, leaves.length));
  return encodeUtf8(
    canonicalize(createReceipt(event, disclosures, { index, proof, checkpoint: signTree(leaves) })),
  );
}

const events = story(8);
const good = exportSelection(events, { earlier: [4], selection: { endings: true } });
const trust = trustFile();
const trusted = parseTrustFile(trust, portableCrypto);

let browser: Browser;
let folder: string;
let page: Page;
/** Whatever the page asked of a network, and what it complained of. */
let requests: string[];
let complaints: string[];

beforeAll(async () => {
  await writePage();
  folder = mkdtempSync(join(tmpdir(), 'talos-page-'));
  browser = await openBrowser();
}, 300_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  page = await browser.newPage();
  requests = [];
  complaints = [];
  page.on('request', (request) => {
    if (!/^(?:file|blob|data):/.test(request.url())) requests.push(request.url());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(pathToFileURL(PAGE_FILE).href);
});
afterEach(async () => {
  await page.close();
  expect({ requests, complaints }).toEqual({ requests: [], complaints: [] });
});

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Gives files to the page and waits for what it says: the stamp and the headline. */
async function verify(evidence: Uint8Array, trustBytes?: Uint8Array, name = 'bundle.json'): Promise<string> {
  if (trustBytes !== undefined) await page.setInputFiles('#trust', file('trust.json', trustBytes));
  await page.setInputFiles('#evidence', file(name, evidence));
  await page.waitForSelector('.verdict', { timeout: 120_000 });
  return page.locator('.verdict h2').innerText();
}

/** By what the focus is known. */
const focused = (): Promise<string> =>
  page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''");
const listed = (kind: string): Promise<string[]> => page.locator(`.${kind} li`).allInnerTexts();

// AUD-62, AUD-64
describe('the page of the verifier, in a browser and from a disk', () => {
  it('proves a good bundle in the words of the command line, and shows calls and grants', async () => {
    expect(await verify(good, trust)).toMatch(
      /^Proven\s*These records are genuine, and of records \d+ to \d+ nothing is missing/,
    );
    const account = accountOfBundle(verifyBundle(good, trusted, crypto), trusted);
    expect(await listed('shown')).toEqual([...account.shown]);
    expect(await listed('not-shown')).toEqual([...account.notShown]);
    expect(await page.locator('dd').allInnerTexts()).toEqual(
      expect.arrayContaining(account.trusted.map(({ name }) => name)),
    );
    expect(await page.locator('tbody tr').count()).toBe(9);
    expect(await page.locator('.chain .person').count()).toBe(4);
    await page.getByRole('button', { name: 'Show the grants of record 4' }).click();
    expect(await page.locator('figcaption').innerText()).toBe('Record 4: a call on a chain of 2 grants');
    expect(await page.locator('.chain').innerText()).toContain(helper.did);
    await page.getByRole('searchbox').fill('scope_mismatch');
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('says of refusals that are only counted how many there are, as no row is of them (AUD-130)', async () => {
    const minute = '2026-09-21T14:12:00.000Z';
    const members = { source: 'ab'.repeat(16), code: 'SCOPE_MISMATCH', minute, count: 240 };
    const summed: Draft = { type: 'denials', sub: helper.did, members };
    const log = sequence([chainEvent(other), byHelper(), summed]);
    expect(await verify(exportSelection(log), trust)).toContain('240 refusals in them are only counted.');
    expect(await listed('shown')).toContain(
      '1 call was allowed and 240 refused; 240 of the refusals are only counted.',
    );
    expect(await page.locator('.count').innerText()).toBe(
      '1 to 1 of 1 calls; refusals only counted, and not listed: 240',
    );
  });

  it('does not prove a bundle that was changed, cut off or turned around', async () => {
    const flipped = good.slice();
    flipped[good.length >> 1]! ^= 1;
    for (const bad of [flipped, good.slice(0, good.length >> 1), good.slice().reverse(), new Uint8Array(0)]) {
      expect(await verify(bad, trust)).toMatch(/^Not proven/);
      expect(await listed('not-shown')).toEqual(['anything: a file of which one check fails proves nothing']);
    }
    const text = new TextDecoder().decode(good).replace('"effect":"deny"', '"effect":"allow"');
    expect(await verify(encodeUtf8(text), trust)).toContain('another bundle');
    expect((await listed('shown'))[0]).toContain('changed after it was made');
  });

  it('proves a receipt, and says what it does not show', async () => {
    const bytes = receiptOf(events, 3);
    expect(await verify(bytes, trust, 'receipt.json')).toMatch(
      /^Proven\s*This record is in a log that you trust/,
    );
    const account = accountOfReceipt(verifyReceipt(parseReceipt(bytes), trusted, crypto), trusted);
    expect(await listed('shown')).toEqual([...account.shown]);
    expect(await listed('not-shown')).toEqual([...account.notShown]);
    const altered = encodeUtf8(
      new TextDecoder().decode(bytes).replace('"tenant":"default"', '"tenant":"others"'),
    );
    expect(await verify(altered, trust, 'receipt.json')).toMatch(/^Not proven/);
    expect(await listed('shown')).toEqual([
      'A record is not the one that was logged, or it is not of this log.',
    ]);
    await verify(encodeUtf8('{"format":"talos-receipt-v1"}'), trust, 'receipt.json');
    expect((await listed('shown'))[0]).toContain('is not as it was made');
  });

  it('proves nothing under a wrong trust file, or without one', async () => {
    expect(await verify(good)).toMatch(/^Not proven\s*no trust file was given/);
    expect(await verify(good, trustFile({ logs: [] }))).toContain('the trust file has no log');
    expect(await verify(good, trustFile({ exporters: [helper.did] }))).toContain(
      'is no exporter of the trust file',
    );
    expect(await verify(good, encodeUtf8('{"format":"talos-trust-v1"}'))).toContain(
      'trust.json: a trust file',
    );
    expect((await listed('shown'))[0]).toContain('no whole trust file');
    // In the words of the command line.
    expect(await verify(good, good)).toContain('trust.json is a bundle, and no trust file');
    expect(await verify(trust, trust)).toContain('is a trust file, and no evidence');
    expect((await listed('shown'))[0]).toContain('stands in the place of another');
  });

  it('proves that a history somebody kept is the beginning, and refuses another', async () => {
    const note = (of: readonly Sequenced[]) => encodeUtf8(signTree(leavesOf(of)));
    await page.setInputFiles('#kept', file('kept.txt', note(events.slice(0, 4))));
    expect(await verify(good, trust)).toMatch(/^Proven/);
    expect((await listed('shown')).join()).toContain('The history of 4 records that you kept');
    // A receipt has no such proof, and the page does not keep quiet about it.
    expect(await verify(receiptOf(events, 3), trust, 'receipt.json')).toMatch(/^Proven/);
    expect((await listed('not-shown'))[0]).toContain('that the history that you kept is the beginning');
    expect(await verify(good, trust)).toMatch(/^Proven/);
    await page.setInputFiles('#kept', file('other.txt', note(story(1).slice(0, 4))));
    await expect.poll(() => page.locator('.verdict h2').innerText()).toMatch(/^Not proven/);
    expect((await listed('shown'))[0]).toContain('may have been rewritten since');
  });

  const drop = async (place: string, ...files: { name: string; bytes: Uint8Array }[]): Promise<void> => {
    const given = files.map(({ name, bytes }) => ({ name, text: new TextDecoder().decode(bytes) }));
    const transfer = await page.evaluateHandle(`(() => {
      const made = new DataTransfer();
      for (const { name, text } of ${JSON.stringify(given)}) made.items.add(new File([text], name));
      return made;
    })()`);
    await page.dispatchEvent(place, 'drop', { dataTransfer: transfer });
  };
  const verdict = (): Promise<string> => page.locator('.verdict h2').innerText();

  it('takes files that are dropped anywhere, by what they are', async () => {
    await drop('footer', { name: 'x.json', bytes: trust }, { name: 'y.json', bytes: good });
    await expect.poll(verdict).toMatch(/^Proven/);
    const kept = encodeUtf8(signTree(leavesOf(events.slice(0, 4))));
    await drop('footer', { name: 'kept.txt', bytes: kept });
    await expect.poll(() => page.locator('.shown').innerText()).toContain('that you kept');
  });

  it('takes no other trust file, and no other history, for what is there', async () => {
    expect(await verify(good, trust)).toMatch(/^Proven/);
    const bundle = { name: 'bundle.json', bytes: good };
    const theirs = { name: 'theirs.json', bytes: trustFile({ exporters: [helper.did] }) };
    for (const place of ['footer', '#evidence']) {
      await drop(place, bundle, theirs);
      await page
        .getByText('Nothing was taken: theirs.json would replace the file of whom you trust')
        .waitFor();
      expect(await verdict()).toMatch(/^Proven/);
      await drop('footer', bundle);
      await page.getByText('Nothing was taken').waitFor({ state: 'detached' });
      await expect.poll(verdict).toMatch(/^Proven/);
    }
    await page.setInputFiles('#trust', file('other.json', theirs.bytes));
    await expect.poll(verdict).toMatch(/^Not proven/);
  });

  it('can be used with a keyboard alone, and says where it is', async () => {
    await verify(good, trust);
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H2');
    await page.locator('#evidence').focus();
    const seen: string[] = [];
    for (let i = 0; i < 12; i += 1) {
      await page.keyboard.press('Tab');
      seen.push(await focused());
    }
    expect(seen).toEqual(expect.arrayContaining(['trust', 'kept', 'find', 'Show the grants of record 3']));
    await page.getByRole('button', { name: 'Show the grants of record 4' }).press('Enter');
    expect(await focused()).toBe('The chain of grants');
    expect(await page.locator('label[for=evidence]').count()).toBe(1);
    expect(await page.locator('table th[scope=col]').count()).toBe(8);
  });
});

describe('evidence that would harm whoever looks at it', () => {
  const TOOL = '<img/src=x/onerror=alert(1)>';
  const LONG = '<script>alert(2)</script>\u202egnp.exe\u2066'.repeat(3_000);
  const hostile = (): Uint8Array => {
    const { member, disclosure } = commitTo('items', [
      { op: LONG, scope: '<svg onload=alert(3)>' },
      null,
      7,
      8,
      9,
    ]);
    const denied = decisionEvent(chain, {
      members: {
        effect: 'deny',
        code: 'SCOPE_MISMATCH',
        pin: null,
        items: member,
        action: { method: 'tools/call', server: 'fs', tool: TOOL, op: 'read' },
      },
    });
    const draft = { ...denied, disclosures: [disclosure] };
    return exportSelection(sequence([chainEvent(chain), sessionEvent(chain), draft]), {});
  };

  it('is shown as the text that it is', async () => {
    const name = '<b>\u202efdp.json';
    expect(await verify(hostile(), trust, name.replaceAll('/', ''))).toMatch(/^Proven/);
    expect(await page.locator('#report img, #report script, #report b, #report [onload]').count()).toBe(0);
    expect(await page.locator('tbody').innerText()).toContain(TOOL);
    expect(await page.locator('.file').first().innerText()).toContain('<b>\\u{202e}fdp.json');
    const text = await page.locator('body').innerText();
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(text.length).toBeLessThan(20_000);
    expect(text).toContain('and 1 more');
    expect(await page.evaluate('document.body.scrollWidth <= window.innerWidth')).toBe(true);
  });

  it('finds no network, no eval and no way to make one', async () => {
    const heard: string[] = [];
    const server: Server = createServer((request, response) => {
      heard.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await verify(good, trust);
    const attempts = await page.evaluate(`(async (target) => {
      const load = (element) => new Promise((resolve, reject) => {
        element.onload = resolve;
        element.onerror = reject;
        element.src = target;
        document.body.append(element);
      });
      const made = ['img', 'script'].map((tag) => load(document.createElement(tag)));
      const tried = await Promise.allSettled([fetch(target), ...made]);
      navigator.sendBeacon(target, 'x');
      return tried.map(({ status }) => status);
    })(${JSON.stringify(url)})`);
    expect(attempts).toEqual(['rejected', 'rejected', 'rejected']);
    expect(heard).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
    expect(complaints.filter((text) => !/Content Security Policy/.test(text))).toEqual([]);
    // These were ours.
    complaints.length = 0;
    requests.length = 0;
  });
});

describe('a large bundle', () => {
  it('of ten thousand calls is verified beside the page, which goes on answering', async () => {
    const large = exportSelection(story(10_000), { selection: { endings: true } });
    await page.evaluate(`(() => {
      const gaps = { worst: 0, last: performance.now(), told: 0 };
      window.gaps = gaps;
      const tick = () => {
        const now = performance.now();
        gaps.worst = Math.max(gaps.worst, now - gaps.last);
        gaps.last = now;
        if (document.querySelector('progress').hasAttribute('value')) gaps.told += 1;
        if (document.querySelector('.verdict') === null) setTimeout(tick, 10);
      };
      tick();
    })()`);
    expect(await verify(large, trust)).toMatch(/^Proven/);
    const { worst, told } = await page.evaluate<{ worst: number; told: number }>('window.gaps');
    // The machine may be busy with other tests; a page that froze would stand still for all of it.
    expect(worst).toBeLessThan(2_000);
    expect(told).toBeGreaterThan(0);
    expect(await page.locator('tbody tr').count()).toBe(100);
    expect(await page.locator('.count').innerText()).toBe('1 to 100 of 10001 calls');
    await page.getByRole('button', { name: 'Next' }).click();
    expect(await page.locator('.count').innerText()).toBe('101 to 200 of 10001 calls');
  }, 180_000);
});

describe('the page as the audit service answers it', () => {
  it('works under the headers it comes with', async () => {
    const listener = await createListener({
      clock,
      random,
      log: createLog({ level: 'silent', format: 'json', clock }),
      name: 'audit',
      host: '127.0.0.1',
      port: 0,
      routes: [createPageRoute(readPage)],
      guards: {},
      allowedHosts: [],
      allowedOrigins: [],
    });
    await page.goto(`${listener.url}/verify`);
    expect(await verify(good, trust)).toMatch(/^Proven/);
    await page.goto(pathToFileURL(PAGE_FILE).href);
    await listener.closeGracefully(100);
    expect(requests).toEqual([`${listener.url}/verify`]);
    requests.length = 0;
  });
});
