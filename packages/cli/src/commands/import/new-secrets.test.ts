import { TrustError } from '@talosprotocol/protocol';
import type { SecretsClient } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { withNewSecrets } from './new-secrets.js';

/** Secrets in memory; of `stuck` none can be removed. */
function fakeSecrets(all: Map<string, number>, stuck: readonly string[] = []): SecretsClient {
  const time = '2026-01-01T00:00:00.000Z';
  return {
    list: async () => ({ secrets: [] }),
    set: async (name) => {
      all.set(name, (all.get(name) ?? 0) + 1);
      return { id: 'sec_', name, version: all.get(name) ?? 0, created: time, changed: time };
    },
    remove: async (name) => {
      if (stuck.includes(name)) throw new TrustError('UNAVAILABLE', 'no answer');
      if (!all.delete(name)) throw new TrustError('NOT_FOUND', `there is no secret ${name}`);
    },
  };
}

const VALUES = new Map([
  ['a', 'sk-canary'],
  ['b', 'sk-canary'],
]);
const refused = async () => {
  throw new TrustError('MALFORMED', 'no such policy', { hint: 'mend it' });
};

describe('new secrets', () => {
  it('stay where what uses them does', async () => {
    const all = new Map<string, number>();
    await withNewSecrets(fakeSecrets(all), VALUES, async () => undefined);
    expect([...all.keys()]).toEqual(['a', 'b']);
  });

  it('are removed where it does not, and no other one is', async () => {
    const all = new Map([['other', 1]]);
    await expect(withNewSecrets(fakeSecrets(all), VALUES, refused)).rejects.toThrow('no such policy');
    expect([...all.keys()]).toEqual(['other']);
  });

  it('are named where they cannot be removed, beside what failed', async () => {
    const work = withNewSecrets(fakeSecrets(new Map(), ['b']), VALUES, refused);
    await expect(work).rejects.toMatchObject({
      code: 'MALFORMED',
      data: {
        reason: 'no such policy',
        hint: 'mend it; new secrets could not be removed again: talos secrets remove b',
      },
    });
  });

  it('that somebody else set at the same time are told, and stay', async () => {
    const all = new Map([['b', 1]]);
    let used = false;
    const work = withNewSecrets(fakeSecrets(all), VALUES, async () => {
      used = true;
    });
    await expect(work).rejects.toMatchObject({ code: 'CONFLICT' });
    expect([[...all.keys()], used]).toEqual([['b'], false]);
  });
});
