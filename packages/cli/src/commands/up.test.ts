import { describe, expect, it } from 'vitest';
import { createOutput } from '../output.js';
import { printReady } from './up.js';

const ready = {
  kernel: 'http://127.0.0.1:1',
  gateway: 'http://127.0.0.1:2',
  data: '/d 1',
  config: '/d 1/talos.yaml',
  gatewayDid: 'did:key:g',
  organisationDid: 'did:key:o',
};

/** The commands of ours that are printed as next steps. */
function printed(isWhole: boolean): string[] {
  let text = '';
  const stream = {
    write: (more: string) => {
      text += more;
      return true;
    },
  };
  const output = createOutput(
    false,
    { stdout: stream, stderr: stream } as unknown as Parameters<typeof createOutput>[1],
    false,
  );
  printReady(output, ready as unknown as Parameters<typeof printReady>[1], isWhole);
  return text.split('\n').filter((line) => line.startsWith('  talos '));
}

describe('the next steps of talos up', () => {
  it('find the whole platform by its data folder', () => {
    const steps = printed(true);
    expect(steps).toHaveLength(3);
    for (const step of steps) expect(step).toContain(" --data '/d 1'");
  });

  it('name where roles answer, of which there is no note', () => {
    const steps = printed(false);
    expect(steps.map((step) => step.trim().split(' ').slice(1, 3).join(' '))).toEqual([
      'cap issue',
      'policy reload',
    ]);
    expect(steps[0]).toContain(' --kernel http://127.0.0.1:1 ');
    expect(steps[1]).toContain(' --gateway http://127.0.0.1:2');
  });
});
