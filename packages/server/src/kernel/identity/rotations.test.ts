import { expect, it } from 'vitest';
import { createLog } from '../../platform/log.js';
import { createRotations } from './rotations.js';

// ID-14
it('what rests on former keys begins anew once a change, also where the DID cannot be fetched', async () => {
  const asked: string[] = [];
  let ended = 0;
  const rotations = createRotations({
    resolver: {
      refresh: async (did) => {
        asked.push(did);
        throw new Error('nobody answers');
      },
    },
    revocations: { endWhere: () => (ended += 1) },
    log: createLog({ level: 'silent', format: 'json', clock: { now: () => 0, monotonic: () => 0 } }),
  });
  const did = 'did:web:far.example';
  await rotations.follow(did, 2);
  expect([asked, ended]).toEqual([[did], 1]);
  await rotations.follow(did, 2);
  rotations.beginAnew(did, 1);
  expect([asked, ended]).toEqual([[did], 1]);
  rotations.beginAnew(did, 3);
  expect(ended).toBe(2);
});
