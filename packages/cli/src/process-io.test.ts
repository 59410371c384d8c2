import { describe, expect, it } from 'vitest';
import { canSpin } from './process-io.js';

describe('a spinner', () => {
  it.each([
    [{ isTTY: true, columns: 80 }, true],
    [{ isTTY: true, columns: 0 }, false],
    [{ isTTY: true }, false],
    [{ columns: 80 }, false],
  ])('turns only on a terminal that has columns: %j', (stream, can) => {
    expect(canSpin(stream)).toBe(can);
  });
});
