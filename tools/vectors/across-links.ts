import type { Data } from './bytes.js';

const FILE = 'tool:fs/method:read_file/resource:';
const rw = ['read', 'write'];
const read = (scope: string): Data => ({ scope, op: 'read' });

/** Items that one of two links does not cover, the grant of each, and the link that refuses. */
export const ACROSS: readonly [id: string, link: number, root: Data, child: Data, item: Data][] = [
  [
    'star-of-child-wider',
    1,
    { scope: 'tool:fs', ops: rw },
    { scope: 'tool:*', ops: rw },
    read('tool:db/method:a'),
  ],
  [
    'stars-apart',
    2,
    { scope: 'tool:fs/method:re*', ops: rw },
    { scope: 'tool:fs/method:wr*', ops: rw },
    read('tool:fs/method:read'),
  ],
  [
    'ops-apart-read',
    2,
    { scope: 'tool:fs', ops: rw },
    { scope: 'tool:fs', ops: ['write'] },
    read('tool:fs/method:a'),
  ],
  [
    'ops-apart-both',
    1,
    { scope: 'tool:fs', ops: ['write'] },
    { scope: 'tool:fs', ops: ['read'] },
    read('tool:fs/method:a'),
  ],
  [
    'homoglyph',
    1,
    { scope: 'tool:fs', ops: rw },
    { scope: 'tool:*', ops: rw },
    read('tool:f%D1%95/method:a'),
  ],
  [
    'zero-width',
    2,
    { scope: 'tool:*', ops: rw },
    { scope: 'tool:fs', ops: rw },
    read('tool:f%E2%80%8Bs/method:a'),
  ],
  [
    'override',
    1,
    { scope: 'tool:fs/method:read*', ops: rw },
    { scope: 'tool:*', ops: rw },
    read('tool:fs/method:%E2%80%AEread'),
  ],
  [
    'combining',
    2,
    { scope: `${FILE}/`, ops: rw },
    { scope: `${FILE}/q`, ops: rw },
    read(`${FILE}/q%CC%88/a`),
  ],
  [
    'escaped-slash',
    2,
    { scope: `${FILE}/`, ops: rw },
    { scope: `${FILE}/docs`, ops: rw },
    read(`${FILE}/docs%2Fa`),
  ],
  [
    'escaped-once-more',
    2,
    { scope: `${FILE}/`, ops: rw },
    { scope: `${FILE}/a%20b`, ops: rw },
    read(`${FILE}/a%2520b`),
  ],
  [
    'star-as-character',
    1,
    { scope: 'tool:fs/method:re*', ops: rw },
    { scope: 'tool:fs', ops: rw },
    read('tool:fs/method:r%2A'),
  ],
  [
    'star-below-character',
    2,
    { scope: 'tool:*', ops: rw },
    { scope: 'tool:%C3*', ops: rw },
    read('tool:%C4%80/method:a'),
  ],
];
