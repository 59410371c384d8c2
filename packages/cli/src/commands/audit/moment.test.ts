import { describe, expect, it } from 'vitest';
import { parseMoment } from './moment.js';

const NOW = Date.UTC(2026, 10, 28, 12);

describe('a moment on the command line', () => {
  it.each([
    ['2026-11-28', '2026-11-28T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2026-11-28T12:30:00Z', '2026-11-28T12:30:00.000Z'],
    ['2026-11-28T12:30:00.5+02:00', '2026-11-28T10:30:00.500Z'],
    ['2026-11-28T12:30Z', '2026-11-28T12:30:00.000Z'],
    ['7d', '2026-11-21T12:00:00.000Z'],
    ['90s', '2026-11-28T11:58:30.000Z'],
  ])('is a day, a time, or how long ago: %s', (text, moment) => {
    expect(parseMoment(text, NOW, '--since')).toBe(moment);
  });

  it.each([
    '',
    'yesterday',
    '2026-13-01',
    '2026-11-31',
    '2026-02-29',
    '2026-02-30T12:00:00Z',
    '2026-11-31T00:00:00+02:00',
    '2026-11-28 12:30',
    '2026-11-28T12:30:00',
    '0d',
    '99999999d',
    '2026-02-30T25:00:00Z',
  ])('is nothing else: %s', (text) => {
    expect(() => parseMoment(text, NOW, '--since')).toThrow('--since takes no');
  });
});
