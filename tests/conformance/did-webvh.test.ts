import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  findWebvhVersion,
  isTrustError,
  portableCrypto,
  type VerifiedWebvhLog,
  verifyWebvhLog,
  type WebvhVersion,
  webvhLogUrl,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { readStandard, standardsFolder } from '../support/standards.js';

interface Resolution {
  readonly didDocument: Record<string, unknown> | null;
  readonly didDocumentMetadata: Record<string, unknown> | null;
}

const standards = standardsFolder();
const BASE = 'standards/did-webvh';
const NOW = Date.parse('2026-11-23T12:00:00Z');

/** Every implementation's log of every scenario. */
const cases = standards === undefined ? [] : listCases();

function listCases(): readonly (readonly [scenario: string, implementation: string])[] {
  const folders = (path: string) =>
    readdirSync(`${standards}/${path}`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders(BASE).flatMap(({ name: scenario }) =>
    folders(`${BASE}/${scenario}`).map(({ name }) => [scenario, name] as const),
  );
}

/** ID-9. In `witness-update` two of two witnesses change to one of one. The entry that changes them needs both, as a new
 *  list is active only after its entry, and only one approved it: refused, whatever the copy's own expectation says. */
const REFUSED_BY_THE_TEXT = 'witness-update';

function bytesOf(path: string): Uint8Array | undefined {
  const file = `${standards}/${BASE}/${path}`;
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined;
}

function verify(path: string, crypto = createNodeCrypto()): VerifiedWebvhLog {
  const witness = bytesOf(`${path}/did-witness.json`);
  const log = bytesOf(`${path}/did.jsonl`) ?? new Uint8Array();
  return verifyWebvhLog({ log, ...(witness === undefined ? {} : { witness }) }, { now: NOW, crypto });
}

const expectedOf = (path: string, which = '') =>
  readStandard<Resolution>(`${BASE}/${path}/resolutionResult${which}.json`);

/** Resolvers add the two services that the method implies; a log does not hold them. */
function expectVersion(
  version: WebvhVersion | undefined,
  { didDocument, didDocumentMetadata }: Resolution,
): void {
  const { service: _, ...document } = version?.document ?? {};
  const { service: __, ...expected } = didDocument ?? {};
  expect(document).toEqual(expected);
  expect(version?.versionId).toBe(didDocumentMetadata?.['versionId']);
  expect(version?.versionTime).toBe(didDocumentMetadata?.['versionTime']);
  expect(version?.parameters.deactivated).toBe(didDocumentMetadata?.['deactivated'] ?? false);
}

describe.skipIf(standards === undefined)(
  'did:webvh test suite (ID-8, skipped without ../shared/vectors)',
  () => {
    it('has scenarios', () => {
      expect(cases.length).toBeGreaterThan(20);
    });

    const good = cases.filter(([name]) => !name.startsWith('negative-') && name !== REFUSED_BY_THE_TEXT);
    it.each(good)(
      '%s of %s resolves as expected, with either crypto provider',
      (scenario, implementation) => {
        const path = `${scenario}/${implementation}`;
        for (const crypto of [createNodeCrypto(), portableCrypto]) {
          expectVersion(verify(path, crypto).latest, expectedOf(path));
        }
      },
    );

    it.each([1, 2])('finds version %i by its number, id and time', (versionNumber) => {
      const log = verify('multi-update/ts');
      const expected = expectedOf('multi-update/ts', `.${versionNumber}`);
      const version = findWebvhVersion(log, { versionNumber });
      expectVersion(version, expected);
      const versionId = version?.versionId ?? '';
      expect(findWebvhVersion(log, { versionId })).toBe(version);
      const versionTime = Date.parse(version?.versionTime ?? '');
      expect(findWebvhVersion(log, { versionTime })).toBe(version);
      expect(findWebvhVersion(log, { versionTime: versionTime - 1 })?.number).toBe(
        versionNumber === 1 ? undefined : versionNumber - 1,
      );
    });

    const bad = cases.filter(([name]) => name.startsWith('negative-') || name === REFUSED_BY_THE_TEXT);
    it.each(bad)('%s of %s is refused with a code of ours', (scenario, implementation) => {
      const dids = [...readText(scenario).matchAll(/did: "(did:webvh:[^"]+)"/g)].map(([, did]) => did ?? '');
      for (const did of dids) expect(() => webvhLogUrl(did), did).toThrow('malformed');
      if (dids.length > 0) return;
      let error: unknown;
      try {
        verify(`${scenario}/${implementation}`);
      } catch (thrown) {
        error = thrown;
      }
      expect(isTrustError(error), String(error)).toBe(true);
    });
  },
);

function readText(scenario: string): string {
  return readFileSync(`${standards}/${BASE}/${scenario}/script.yaml`, 'utf8');
}
