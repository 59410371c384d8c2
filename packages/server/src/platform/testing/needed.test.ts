import { describe, expect, it } from 'vitest';
import { needed } from './needed.js';

describe('what a test needs', () => {
  it('may be missing on a machine, and says why', () => {
    expect(needed('Go', 'go is not installed', {})).toBe('go is not installed');
    expect(needed('Go', undefined, {})).toBeUndefined();
  });

  it('must be there in CI', () => {
    const ci = { TALOS_CI: '1' };
    expect(() => needed('Go', 'go is not installed', ci)).toThrow('CI must have Go, but go is not installed');
    expect(needed('Go', undefined, ci)).toBeUndefined();
  });
});
