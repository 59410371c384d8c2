import type { Data, Members } from './bytes.js';
import { createNoun, type Noun } from './case.js';

const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

export function replayWindowNoun(): Noun {
  const n = createNoun(
    'replay-window',
    'a session with a window of width has taken the numbers seen, in this order, and is asked for seq (SES-9). expect.highest is the highest number then. Invalid: reason says which rule refuses it.',
  );
  const good: [string, number, number[], number, number][] = [
    ['first', 256, [], 1, 1],
    ['next', 256, [1], 2, 2],
    ['gap', 256, [1], 200, 200],
    ['late', 256, [1, 3], 2, 3],
    ['oldest', 256, [300], 45, 300],
    ['oldest-wide', 1024, [1100], 77, 1100],
    ['jump', 256, upTo(10), 1_000_000, 1_000_000],
    ['after-jump', 256, [...upTo(256), 600], 599, 600],
    ['same-place', 256, [1, 257], 256, 257],
    ['largest', 256, [1], Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['below-largest', 256, [Number.MAX_SAFE_INTEGER], Number.MAX_SAFE_INTEGER - 255, Number.MAX_SAFE_INTEGER],
  ];
  for (const [id, width, seen, seq, highest] of good)
    n.ok(id, 'SES-9', id, { width, seen, seq }, { highest });
  const bad: [string, number, number[], number, 'seen' | 'below_window'][] = [
    ['again', 256, [1], 1, 'seen'],
    ['again-later', 256, [1, 2, 3], 1, 'seen'],
    ['again-highest', 256, [5], 5, 'seen'],
    ['again-filled', 256, [1, 3, 2], 2, 'seen'],
    ['again-oldest', 256, [45, 300], 45, 'seen'],
    ['again-after-all', 256, upTo(256), 1, 'seen'],
    ['again-wide', 1024, [77, 1100], 77, 'seen'],
    ['again-same-place', 256, [1, 257], 257, 'seen'],
    ['again-after-jump', 256, [1, 1_000_000, 999_999], 999_999, 'seen'],
    ['again-largest', 256, [Number.MAX_SAFE_INTEGER], Number.MAX_SAFE_INTEGER, 'seen'],
    ['below', 256, [300], 44, 'below_window'],
    ['below-seen', 256, [44, 300], 44, 'below_window'],
    ['below-wide', 1024, [1100], 76, 'below_window'],
    ['below-first', 256, [257], 1, 'below_window'],
    ['below-far', 256, [1_000_000], 1, 'below_window'],
    ['below-largest', 256, [Number.MAX_SAFE_INTEGER], Number.MAX_SAFE_INTEGER - 256, 'below_window'],
    ['below-each-other', 256, [10, 400, 9_000], 400, 'below_window'],
  ];
  for (const [id, width, seen, seq, reason] of bad)
    n.no(id, 'SES-9', id, { width, seen, seq }, 'REPLAY', undefined, { reason });
  return n.done();
}

export function headersNoun(): Noun {
  const n = createNoun(
    'headers',
    'raw are names and values of the headers of a request in turn, as they came (SES-6, SES-7); expect.signed are those a MAC covers, expect.credential the one credential.',
  );
  const ok = (id: string, spec: string, raw: string[], signed: Members, credential?: Data) =>
    n.ok(id, spec, id, { raw }, credential === undefined ? { signed } : { signed, credential });
  const json = ['content-type', 'application/json'];
  ok('none', 'SES-6', [], {});
  ok('one', 'SES-6', json, { 'content-type': 'application/json' });
  ok('name-case', 'SES-6', ['Content-Type', 'Text/Plain'], { 'content-type': 'Text/Plain' });
  ok('white-space', 'SES-6', ['mcp-name', ' \t a  b\t '], { 'mcp-name': 'a  b' });
  ok(
    'all',
    'SES-6',
    [
      ...['last-event-id', '5', 'mcp-name', 'n', 'mcp-method', 'tools/call', 'mcp-session-id', 's'],
      ...['mcp-protocol-version', '2026-07-28', ...json, 'accept', '*/*', 'accept', 'text/html'],
    ],
    {
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-session-id': 's',
      'mcp-method': 'tools/call',
      'mcp-name': 'n',
      'last-event-id': '5',
    },
  );
  ok('credential', 'SES-7', ['Authorization', 'Bearer x'], {}, { name: 'authorization', value: 'Bearer x' });
  ok('api-key', 'SES-7', ['X-Api-Key', 'x'], {}, { name: 'x-api-key', value: 'x' });
  const proof = ['authorization', 'Talos-PoP a.b.c'];
  const capability = ['talos-capability', 'a.b.c'];
  n.ok(
    'proof',
    'SES-13',
    'proof',
    { raw: [...proof, ...capability] },
    {
      signed: {},
      credential: { name: 'authorization', value: 'Talos-PoP a.b.c' },
      capability: 'a.b.c',
    },
  );
  n.ok('signature', 'SES-15', 'signature', { raw: capability }, { signed: {}, capability: 'a.b.c' });
  const bad: [string, string[]][] = [
    ['capability-twice', [...capability, ...capability]],
    ['capability-and-key', [...capability, 'authorization', 'Bearer x']],
    ['capability-and-session', [...capability, 'authorization', 'Talos sid=x']],
    ['capability-and-api-key', [...capability, 'x-api-key', 'x']],
    ['capability-nothing', ['talos-capability', '']],
    ['rid-twice', ['talos-rid', 'a', 'talos-rid', 'a']],
    ['digest-twice', ['content-digest', 'a', 'Content-Digest', 'b']],
    ['signature-twice', ['signature', 'a', 'signature', 'b']],
    ['signature-input-twice', ['signature-input', 'a', 'signature-input', 'b']],
    ['type-twice', [...json, ...json]],
    ['type-twice-case', [...json, 'Content-Type', 'text/plain']],
    ['name-twice', ['mcp-name', 'a', 'mcp-name', 'a']],
    ['method-twice', ['mcp-method', 'a', 'Mcp-Method', 'b']],
    ['session-twice', ['mcp-session-id', 'a', 'mcp-session-id', 'a']],
    ['version-twice', ['mcp-protocol-version', '1', 'mcp-protocol-version', '1']],
    ['event-twice', ['last-event-id', '1', 'last-event-id', '2']],
    ['authorization-twice', ['authorization', 'Bearer x', 'authorization', 'Bearer x']],
    ['two-credentials', ['authorization', 'Bearer x', 'x-api-key', 'y']],
    ['two-keys', ['x-api-key', 'y', 'X-Goog-Api-Key', 'y']],
    ['api-key-and-other', ['api-key', 'x', 'authorization', '']],
    ['encoding', ['content-encoding', 'gzip']],
    ['encoding-identity', ['Content-Encoding', 'identity']],
    ['override', ['X-HTTP-Method-Override', 'DELETE']],
    ['override-short', ['x-http-method', 'DELETE']],
    ['override-other', ['x-method-override', 'DELETE']],
    ['empty', ['mcp-name', '']],
    ['only-spaces', ['mcp-name', ' \t ']],
    ['control', ['mcp-name', 'a\u0001']],
    ['inner-tab', ['mcp-name', 'a\tb']],
    ['line-end', ['mcp-name', 'a\nmcp-method:b']],
    ['delete', ['mcp-name', '\u007f']],
    ['latin-1', ['mcp-name', '\u00fc']],
    ['wide-space', ['mcp-name', '\u00a0a']],
    ['unicode', ['content-type', 'application/json\u2028']],
  ];
  for (const [id, raw] of bad)
    n.no(
      id,
      /^(?:empty|only|control|inner|line|delete|latin|wide|unicode)/.test(id) ? 'SES-6' : 'SES-7',
      id,
      { raw },
      'MALFORMED',
    );
  return n.done();
}
