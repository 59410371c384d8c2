import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { pause } from './pause.js';

describe('a pause', () => {
  it('ends by itself, and leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i += 1) await pause(0, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await pause(0, undefined);
  });

  it('ends with the signal, also with one that was given before', async () => {
    const ended = new AbortController();
    const waiting = pause(60_000, ended.signal);
    ended.abort();
    await waiting;
    await pause(60_000, ended.signal);
    expect(getEventListeners(ended.signal, 'abort')).toEqual([]);
  });
});
