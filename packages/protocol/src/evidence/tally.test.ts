import { describe, expect, it } from 'vitest';
import { createTally } from './tally.js';
import { agent, sequence, worker } from './testing/ledger.js';

describe('what a bundle shows of numbers', () => {
  const size = 10;
  const at = (index: number, whole = 0) => {
    const tally = createTally(whole);
    const agents = [{ sub: worker.did, pseq: 0 }];
    const endings = [{ target: agent.did, count: 0 }];
    const [one] = sequence([{ type: 'log.counted', sub: null, members: { size, agents, endings } }]);
    tally.follow(one!.event, index);
    return tally;
  };

  // AUD-56, AUD-57
  it('is closed by a count that whoever reads the whole log can check, a monitor too, and it is said which', () => {
    // So many a monitor remembers.
    const last = size + 65_536;
    const tally = at(last);
    expect(tally.checkAgent(worker.did, 0, 10)).toEqual({ records: 0, counted: last });
    expect(tally.checkEndings([agent.did], 10)).toEqual([last]);
    const late = at(last + 1);
    expect(() => late.checkAgent(worker.did, 0, 10)).toThrow('nothing shows');
    expect(() => late.checkEndings([agent.did], 10)).toThrow('is not shown');
  });

  it('needs no count where every entry is shown', () => {
    const tally = at(12, 10);
    expect(tally.checkAgent(worker.did, 0, 10)).toEqual({ records: 0, counted: undefined });
    expect(tally.checkEndings([agent.did], 10)).toEqual([]);
  });
});
