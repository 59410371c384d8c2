import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../encoding/utf8.js';
import { formerKeyFor, resolveAsOf } from './as-of.js';
import { keyFor } from './did-keys.js';
import { verifyWebvhLog } from './webvh/log.js';
import { ctx, didOf, entriesOf, key, NOW, newLog } from './webvh/testing/logs.js';
import { continuesWebvhLog, findWebvhVersion } from './webvh/version.js';
import { deactivateWebvhLog, moveWebvhLog, updateWebvhLog, webvhDocument } from './webvh/write.js';

const HOUR = 3_600_000;
const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const did = didOf(newLog());
const kid = `${did}#key-1`;
const rotated = updateWebvhLog(
  newLog(),
  { document: webvhDocument(did, key(10).publicKey) },
  key(1),
  ctx(NOW - 1000),
);
const log = verifyWebvhLog({ log: deactivateWebvhLog(rotated, key(1), ctx()) }, ctx());

describe('keys as of a moment (ID-12)', () => {
  it('are those of the version in force then', () => {
    const at = (time: number) => formerKeyFor(resolveAsOf(did, time, { log }), kid, 'authentication');
    expect(at(NOW - HOUR)).toEqual(key(9).publicKey);
    expect(at(NOW - 1001)).toEqual(key(9).publicKey);
    expect(at(NOW - 1000)).toEqual(key(10).publicKey);
    expect(resolveAsOf(did, NOW - 1000, { log }).versionId).toBe(log.versions[1]?.versionId);
    expect(at(NOW)).toBeUndefined();
    expect(resolveAsOf(did, NOW, { log }).formerKeys).toEqual([]);
    expect(() => at(NOW - HOUR - 1)).toThrow(refusal('NOT_FOUND'));
  });

  it('belong to the DID it was called by then', () => {
    const portable = newLog({ portable: true });
    const moved = verifyWebvhLog({ log: moveWebvhLog(portable, 'example.org', key(1), ctx()) }, ctx());
    const former = didOf(portable);
    expect(resolveAsOf(former, NOW - 1, { log: moved }).formerKeys).toHaveLength(1);
    expect(() => resolveAsOf(former, NOW, { log: moved })).toThrow(refusal('NOT_FOUND'));
    expect(resolveAsOf(moved.latest.did, NOW, { log: moved }).formerKeys).toHaveLength(1);
  });

  it('of a did:key never change', () => {
    const own = key(3).did;
    const keys = resolveAsOf(own, 0, {});
    expect(formerKeyFor(keys, `${own}#${own.slice(8)}`, 'capabilityDelegation')).toEqual(key(3).publicKey);
    expect(formerKeyFor(keys, `${own}#other`, 'capabilityDelegation')).toBeUndefined();
  });

  it('of a did:web are what was recorded, and nothing is guessed before', () => {
    const web = 'did:web:example.com';
    const recorded = (at: number, n: number) => ({
      at,
      bytes: encodeUtf8(JSON.stringify(webvhDocument(web, key(n).publicKey))),
    });
    const documents = [recorded(100, 3), recorded(200, 4)];
    const at = (time: number) =>
      formerKeyFor(resolveAsOf(web, time, { documents }), `${web}#key-1`, 'authentication');
    expect(at(199)).toEqual(key(3).publicKey);
    expect(at(200)).toEqual(key(4).publicKey);
    expect(() => at(99)).toThrow(refusal('NOT_FOUND'));
    expect(() => resolveAsOf(web, 300, {})).toThrow(refusal('NOT_FOUND'));
  });

  it('cannot authorise: what takes keys valid now does not take them', () => {
    const former = resolveAsOf(did, NOW - 1000, { log });
    // @ts-expect-error the keys of another time are no DidKeys
    expect(() => keyFor(former, kid, 'authentication')).toThrow();
    expect(Object.keys(former.formerKeys[0] ?? {})).not.toContain('publicKey');
  });
});

describe('versions of a did:webvh (ID-8)', () => {
  it('are found by id, number and time', () => {
    const second = log.versions[1];
    expect(findWebvhVersion(log, { versionNumber: 2 })).toBe(second);
    expect(findWebvhVersion(log, { versionId: second?.versionId ?? '' })).toBe(second);
    expect(findWebvhVersion(log, { versionTime: NOW - 1 })).toBe(second);
    expect(findWebvhVersion(log, { versionNumber: 4 })).toBeUndefined();
  });

  it('continue what was seen, or do not', () => {
    const first = verifyWebvhLog({ log: newLog() }, ctx());
    expect(continuesWebvhLog(first.latest, log)).toBe(true);
    expect(continuesWebvhLog(log.latest, first)).toBe(false);
    const fork = verifyWebvhLog({ log: updateWebvhLog(newLog(), {}, key(1), ctx(NOW - 500)) }, ctx());
    expect(continuesWebvhLog(fork.latest, log)).toBe(false);
    expect(entriesOf(rotated)).toHaveLength(2);
  });
});
