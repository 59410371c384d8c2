import { TrustError } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../http/answer.js';
import { DENIAL } from '../testing/mcp-answer.js';
import { denialOf } from './denial.js';

const rpc = JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32010, message: 'no', data: DENIAL } });
const problem = {
  type: 'urn:talos:problem:EXPIRED',
  title: 'A link of the capability has expired',
  status: 401,
  code: 'EXPIRED',
  detail: 'link 2 has expired',
  request_id: DENIAL.request_id,
  link: 2,
};

describe('denialOf', () => {
  it.each<[string, Error]>([
    ['McpError and ProtocolError', Object.assign(new Error('no'), { code: -32010, data: DENIAL })],
    ['StreamableHTTPError', new Error(`Streamable HTTP error: Error POSTing to endpoint: ${rpc}`)],
    [
      'SdkHttpError',
      Object.assign(new Error('Error POSTing'), { code: 'x', data: { status: 401, text: rpc } }),
    ],
    [
      'an error with a cause',
      new Error('outer', { cause: Object.assign(new Error(), { code: -32010, data: DENIAL }) }),
    ],
  ])('reads %s', (_, error) => {
    expect(denialOf(error)).toEqual(DENIAL);
  });

  it('reads a problem, and says its detail where it has no hint', () => {
    const { type: _type, title: _title, status: _status, detail, ...facts } = problem;
    const expected = { ...facts, hint: detail };
    expect(denialOf(new Error(`HTTP 401: ${JSON.stringify(problem)}`))).toEqual(expected);
    expect(denialOf(refusalOf(401, JSON.stringify(problem)))).toEqual(expected);
    expect(denialOf(refusalOf(401, JSON.stringify({ ...problem, hint: 'Renew it.' })))?.hint).toBe(
      'Renew it.',
    );
  });

  it("tells of what is the operator's to know what to do, and not its title twice", () => {
    const problem = {
      type: 'urn:talos:problem:LOG_CORRUPT',
      title: 'The log contradicts its last checkpoint',
      status: 500,
      code: 'LOG_CORRUPT',
      request_id: 'req_01890a5d-ac96-774b-bcce-b302099a8057',
      retryable: false,
    };
    const { message, data } = refusalOf(500, JSON.stringify(problem));
    expect(message).toBe('The log contradicts its last checkpoint: the messages of the service say more');
    expect(data.hint).toContain('talos audit fsck');
  });

  it('reads a problem with neither hint nor detail', () => {
    const { detail: _detail, ...bare } = problem;
    expect(denialOf(new Error(JSON.stringify(bare)))).toEqual({
      code: 'EXPIRED',
      link: 2,
      request_id: DENIAL.request_id,
    });
    expect(denialOf(refusalOf(401, JSON.stringify(bare)))?.hint).toBe(problem.title);
    expect(denialOf(refusalOf(502, '<html>'))).toEqual({
      code: 'UPSTREAM_FAILED',
      hint: 'the service answered 502',
    });
  });

  it('reads what the SDK refused by itself', () => {
    expect(denialOf(new TrustError('AUDIENCE_MISMATCH', 'another gateway', { link: 1 }))).toEqual({
      code: 'AUDIENCE_MISMATCH',
      link: 1,
      hint: 'another gateway',
    });
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect(denialOf(new TrustError('UNAVAILABLE', 'x', { hint: 'y' }, cyclic))).toEqual({
      code: 'UNAVAILABLE',
      hint: 'y',
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no error', DENIAL],
    ['another code', Object.assign(new Error('x'), { code: -32601, data: DENIAL })],
    ['data of another shape', Object.assign(new Error('x'), { code: -32010, data: { ...DENIAL, more: 1 } })],
    ['an unknown code', Object.assign(new Error('x'), { code: -32010, data: { ...DENIAL, code: 'NEW' } })],
    ['no data', Object.assign(new Error('x'), { code: -32010 })],
    ['HTML', new Error('Error POSTing to endpoint: <html>{</html>')],
    ['an empty body', Object.assign(new Error('x'), { data: { text: '' } })],
    ['too much text', new Error(`{"a":"${'x'.repeat(70_000)}"}`)],
  ])('is undefined for %s', (_, error) => {
    expect(denialOf(error)).toBeUndefined();
  });

  it('stops in a circle of causes', () => {
    const error = new Error('x');
    error.cause = error;
    expect(denialOf(error)).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.string(), (code, data, message) => {
        denialOf(Object.assign(new Error(message), { code, data }));
      }),
    );
  });
});
