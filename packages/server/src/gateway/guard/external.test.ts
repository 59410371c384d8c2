import type { lookup } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { createOutwardLookup } from '../../platform/outward-address.js';
import { createExternalClient } from './external.js';

// GRD-6, LLM-5
describe('a guard whose name leads to where a machine is told its own keys', () => {
  it('is not asked', async () => {
    const resolve = (_: string, __: object, callback: (error: null, found: object[]) => void) =>
      callback(null, [{ address: '169.254.169.254', family: 4 }]);
    const { ask, close } = createExternalClient(
      async () => undefined,
      createOutwardLookup(resolve as typeof lookup),
    );
    const url = 'https://guard.example/look';
    const guard = { kind: 'external', name: 'g', url, key: undefined, timeoutMs: 5_000 } as const;
    await expect(ask(guard, 'prompt', ['x'])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      cause: { code: 'TALOS_REFUSED_ADDRESS' },
    });
    await close();
  });
});
