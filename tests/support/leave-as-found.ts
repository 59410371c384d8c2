import { afterAll, expect, vi } from 'vitest';

// Files of one worker share its process: what one leaves changed makes another fail, in some runs.
const { env } = process;
const variables = { ...env };
const folder = process.cwd();
const mask = process.umask();

afterAll(() => {
  // An object of one's own in the place of the environment is read by some callers and not by others.
  expect(process.env === env, 'process.env is the one of the process').toBe(true);
  expect({ ...process.env }).toEqual(variables);
  expect([process.cwd(), process.umask(), vi.isFakeTimers()]).toEqual([folder, mask, false]);
});
