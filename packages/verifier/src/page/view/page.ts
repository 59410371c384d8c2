import { MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import { kindOfFile, printable } from '@talosprotocol/protocol';
import type { Ask, GivenFile, Report } from '../result.js';
import { runVerification } from '../run.js';
import { element } from './element.js';
import { drawReport } from './report.js';
import { foreign } from './text.js';
import { makeZone, markDrops, type Zone } from './zone.js';

/** Where a file goes. */
type Place = 'evidence' | 'trust' | 'kept';

interface Page {
  readonly script: string;
  readonly files: Map<Place, GivenFile>;
  readonly zones: Readonly<Record<Place, Zone>>;
  readonly progress: HTMLProgressElement;
  readonly status: HTMLElement;
  readonly report: HTMLElement;
  /** Ends what runs. */
  stop: () => void;
}

/** Starts the page; `script` is its own code, for the worker. */
export function startPage(script: string): void {
  const place = (to?: Place) => (files: readonly File[]) => void takeFiles(page, files, to);
  const page: Page = {
    script,
    files: new Map(),
    zones: {
      evidence: makeZone(
        { id: 'evidence', title: 'The evidence', hint: 'A bundle or a receipt.' },
        place('evidence'),
      ),
      trust: makeZone(
        {
          id: 'trust',
          title: 'Whom you trust',
          hint: 'Your trust file: got by another way than the evidence.',
        },
        place('trust'),
      ),
      kept: makeZone(
        {
          id: 'kept',
          title: 'What you kept',
          hint: 'An older bundle, receipt or checkpoint, to see that this one continues it.',
          optional: true,
        },
        place('kept'),
      ),
    },
    progress: element('progress', { max: 1, value: 0, 'aria-label': 'Verifying', hidden: true }),
    status: element('p', { role: 'status' }),
    report: element('div', { id: 'report' }),
    stop: () => undefined,
  };
  const { evidence, trust, kept } = page.zones;
  document
    .getElementById('main')
    ?.replaceChildren(
      element('div', { class: 'zones' }, evidence.root, trust.root, kept.root),
      element('div', { class: 'running' }, page.status, page.progress),
      page.report,
    );
  markDrops(document.body, place());
}

/** Reads files and puts each where it belongs: where it was given, else by its looks. What somebody trusts or kept is replaced
 *  only where they give another one for it: who sends evidence may send a trust file with it. */
async function takeFiles(page: Page, files: readonly File[], to: Place | undefined): Promise<void> {
  const taken: [Place, GivenFile][] = [];
  const isNamed = files.length === 1 && to !== undefined;
  for (const file of files) {
    const name = printable(file.name, 120);
    if (file.size > MAX_BUNDLE_BYTES) {
      tell(page, `${name} is larger than any evidence may be.`);
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer().catch(() => new ArrayBuffer(0)));
    const given = { name: file.name, bytes };
    const place = isNamed ? to : placeOf(page, given);
    if (!isNamed && place !== 'evidence' && page.files.has(place)) {
      tell(page, `Nothing was taken: ${name} would replace ${OWN[place]}. Drop it there if it should.`);
      return;
    }
    taken.push([place, given]);
  }
  for (const [place, given] of taken) {
    page.files.set(place, given);
    page.zones[place].show(given);
  }
  verify(page);
}

/** What is the auditor's own. */
const OWN = { trust: 'the file of whom you trust', kept: 'the file that you kept' } as const;

function placeOf({ files }: Page, { bytes }: GivenFile): Place {
  const kind = kindOfFile(bytes);
  if (kind === 'trust') return 'trust';
  return kind === 'checkpoint' && files.has('evidence') ? 'kept' : 'evidence';
}

function verify(page: Page): void {
  const evidence = page.files.get('evidence');
  page.stop();
  page.report.replaceChildren();
  if (evidence === undefined) {
    tell(page, 'Now the evidence: drop a bundle or a receipt here.');
    return;
  }
  const ask: Ask = { evidence, trust: page.files.get('trust'), kept: page.files.get('kept') };
  page.progress.removeAttribute('value');
  page.progress.hidden = false;
  tell(page, 'Verifying …');
  page.stop = runVerification(page.script, ask, (report) => hear(page, report));
}

function hear(page: Page, report: Report): void {
  if ('total' in report) {
    page.progress.max = Math.max(1, report.total);
    page.progress.value = report.done;
    return;
  }
  page.progress.hidden = true;
  if ('fault' in report) {
    tell(page, 'The verifier itself failed, so nothing is proven: ');
    page.status.append(foreign(report.fault));
    return;
  }
  tell(page, '');
  drawReport(report.result, page.report);
}

function tell({ status }: Page, text: string): void {
  status.textContent = text;
}
