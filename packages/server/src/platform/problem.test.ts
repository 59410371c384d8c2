import { createChecker, PROBLEMS, type ProblemCode, ProblemDetails } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { toProblem } from './problem.js';

const REQUEST = 'req_01890a5d-ac96-774b-bcce-b302099a8057';
const checkProblem = createChecker(ProblemDetails);

describe('a problem', () => {
  it.each(Object.keys(PROBLEMS) as ProblemCode[])(
    '%s is what the contract says, all of it (DEC-3)',
    (code) => {
      const data = { hint: 'a hint', link: 2, item: 'read tool:fs', caveat: '/path within /docs' };
      const problem = toProblem(new TrustError(code, 'why', data), REQUEST);
      expect(checkProblem(problem)).toBeUndefined();
      const { status, title, retryable } = PROBLEMS[code];
      expect(problem).toMatchObject({ code, status, title, retryable, request_id: REQUEST });
    },
  );

  it('of an error that nobody declared says that ours is the fault, and nothing of it', () => {
    const problem = toProblem(new Error('canary'), REQUEST);
    expect(problem).toMatchObject({ code: 'INTERNAL', retryable: false });
    expect(JSON.stringify(problem)).not.toContain('canary');
  });
});
