import { describe, expect, it } from 'vitest';
import { parseArguments, USAGE } from './arguments.js';
import { roomsOf, withAudit } from './roles.js';

const invalid = (reason: string) =>
  expect.objectContaining({
    code: 'SETTINGS_INVALID',
    data: expect.objectContaining({
      reason: expect.stringContaining(reason),
      hint: expect.stringContaining('--help'),
    }),
  });

describe('the arguments of the server', () => {
  it.each([
    ['all', ['kernel', 'gateway', 'audit']],
    ['kernel', ['kernel']],
    ['audit,kernel', ['kernel', 'audit']],
  ])('%s is the roles %j', (text, roles) => {
    expect(parseArguments([text])).toMatchObject({ command: 'serve', roles, untilStdinEnds: false });
  });

  it('options become settings', () => {
    const variables = { TALOS_WORKERS: '2' };
    const expected = { command: 'serve', variables, untilStdinEnds: true };
    expect(parseArguments(['kernel', '--workers', '2', '--until-stdin-ends'])).toMatchObject(expected);
    expect(parseArguments(['kernel', '--until-stdin-ends', '--workers=2'])).toMatchObject(expected);
    expect(parseArguments(['all'])).toMatchObject({ variables: {} });
  });

  it.each(['-1', '65', '1.5', 'many', '', '007', '1e1', ' 2'])('%j is no number of threads', (count) => {
    expect(() => parseArguments(['kernel', `--workers=${count}`])).toThrow(invalid('0 to 64'));
    expect(() => parseArguments(['kernel', '--workers', count])).toThrow(invalid('0 to 64'));
  });

  it.each([
    [[], 'no role'],
    [['kernel,kernel'], 'twice'],
    [['kernel,'], 'is none'],
    [['all,kernel'], 'is none'],
    [['everything'], 'is none'],
    [['__proto__'], 'is none'],
    [['kernel', '--threads', '2'], '--threads'],
    [['kernel', 'gateway'], 'gateway is not an option'],
    [['init', '--workers=2'], 'takes no'],
    [['kernel', '--workers'], '0 to 64'],
  ])('%j is refused', (args, reason) => {
    expect(() => parseArguments(args)).toThrow(invalid(reason));
  });

  it('help names every role and option', () => {
    expect(parseArguments(['--help'])).toMatchObject({ command: 'help' });
    expect(parseArguments(['kernel', '--help'])).toMatchObject({ command: 'help' });
    for (const word of ['kernel', 'gateway', 'audit', 'all', 'init', 'doctor', '--workers']) {
      expect(USAGE).toContain(word);
    }
  });
});

describe('the rooms of a role', () => {
  it('are its own, and for a gateway the one it verifies with', () => {
    expect(roomsOf(['kernel'])).toEqual({ audit: false, kernel: true, gateway: false });
    expect(roomsOf(['gateway'])).toEqual({ audit: false, kernel: true, gateway: true });
    expect(roomsOf(['audit'])).toEqual({ audit: true, kernel: false, gateway: false });
  });

  it('with the embedded database there is the log too', () => {
    expect(withAudit(['kernel'], true)).toEqual(['kernel', 'audit']);
    expect(withAudit(['kernel'], false)).toEqual(['kernel']);
  });
});
