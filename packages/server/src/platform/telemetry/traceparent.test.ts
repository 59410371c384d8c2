import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTraceparent } from './traceparent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GOOD = `00-${TRACE}-${SPAN}-01`;
const parse = (...values: string[]) => parseTraceparent(values.flatMap((value) => ['traceparent', value]));

// TEL-5
describe('a traceparent', () => {
  it.each([
    [GOOD, 1],
    [`00-${TRACE}-${SPAN}-00`, 0],
    // Only the first flag is known.
    [`00-${TRACE}-${SPAN}-ff`, 1],
    // A later version: what we know of it stands at its beginning.
    [`01-${TRACE}-${SPAN}-01`, 1],
    [`cc-${TRACE}-${SPAN}-01-what-comes`, 1],
  ])('is read: %s', (value, flags) => {
    expect(parse(value)).toEqual({ traceId: TRACE, spanId: SPAN, flags });
  });

  it('is found among other headers, however it is spelled', () => {
    const found = parseTraceparent(['Host', 'x', 'TraceParent', GOOD, 'tracestate', 'a=b']);
    expect(found).toMatchObject({ traceId: TRACE });
  });

  it.each([
    '',
    'garbage',
    ` ${GOOD}`,
    `${GOOD} `,
    `${GOOD}-more`,
    `${GOOD}01`,
    GOOD.toUpperCase(),
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}`,
    `01-${TRACE}-${SPAN}-01.more`,
    `01-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`,
    `00-${TRACE}-${SPAN}-01\n`,
  ])('is not looked at if it is none: %j', (value) => {
    expect(parse(value)).toBeUndefined();
  });

  it('is not looked at if there are two, or none', () => {
    expect(parse(GOOD, GOOD)).toBeUndefined();
    expect(parseTraceparent(['tracestate', GOOD])).toBeUndefined();
    expect(parseTraceparent([])).toBeUndefined();
  });

  it('is undefined or ids, of whatever was sent', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (value) => {
        const found = parse(value);
        expect(found === undefined || /^[0-9a-f]{32}$/.test(found.traceId)).toBe(true);
      }),
    );
  });
});
