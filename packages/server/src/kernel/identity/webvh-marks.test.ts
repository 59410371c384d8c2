import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrate } from '../../platform/migrations.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { createWebvhMarks } from './webvh-marks.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

it('ID-11 what was seen of a log is known to whoever comes later, and is never taken back', async () => {
  const did = 'did:webvh:QmScid:org.example';
  expect(await createWebvhMarks(database.sql).find(did)).toBeUndefined();
  await createWebvhMarks(database.sql).keep(did, { number: 2, versionId: '2-Qmb' });
  for (const [number, versionId] of [
    [1, '1-Qma'],
    [2, '2-Qmx'],
  ] as const)
    await createWebvhMarks(database.sql).keep(did, { number, versionId });
  expect(await createWebvhMarks(database.sql).find(did)).toEqual({ number: 2, versionId: '2-Qmb' });
  await createWebvhMarks(database.sql).keep(did, { number: 10, versionId: '10-Qmc' });
  expect(await createWebvhMarks(database.sql).find(did)).toEqual({ number: 10, versionId: '10-Qmc' });
  expect(await createWebvhMarks(database.sql).find('did:webvh:QmScid:other.example')).toBeUndefined();
});
