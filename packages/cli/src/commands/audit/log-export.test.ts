import { describe, expect, it } from 'vitest';
import { notInIt } from './log-export.js';

// AUD-80, AUD-81
describe('an archive of a whole log', () => {
  it('is told to lack what is newer, and what was pruned, after which no import takes it', () => {
    expect(notInIt(0, 0)).toEqual([]);
    const [newer, gone, ...more] = notInIt(512, 3);
    expect(more).toEqual([]);
    expect(newer).toContain('3 newer');
    expect(gone).toMatch(/bodies of events below 512, .*no import brings it back/);
    expect(notInIt(512, 0)).toEqual([gone]);
  });
});
