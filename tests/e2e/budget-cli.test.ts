import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';
import { openTerminal } from '../support/terminal.js';

let world: LlmWorld;
beforeAll(async () => {
  world = await openLlmWorld();
  const key = await world.key();
  for (let calls = 0; calls < 3; calls += 1) {
    const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }),
    });
    expect(response.status).toBe(200);
  }
  // The third outcome follows its answer.
  while ((await world.audit.events({ type: 'outcome' })).events.length < 3)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await writeFile(join(world.files.root, 'bundle.json'), await world.audit.bundle());
  await writeFile(join(world.files.root, 'trust.json'), JSON.stringify(await world.audit.trust()));
});
afterAll(() => world?.close());

async function recompute(...more: string[]) {
  const { io, out, err } = openTerminal({ env: {}, cwd: world.files.root });
  const code = await run(['budget', 'recompute', 'bundle.json', '--trust', 'trust.json', ...more], io);
  return { code, text: out() + err() };
}

// AUD-126
describe('talos budget recompute', () => {
  it('computes what calls cost from their receipts, by model and by agent', async () => {
    const { code, text } = await recompute();
    // Three calls of 42 millionths of a dollar.
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/openai\/gpt-4o-mini {2}0\.000126 USD {2}\(3 calls; 36 tokens read, 9 written/),
    ]);
    expect(text).toContain('sum  0.000126 USD');
    expect((await recompute('--by', 'agent')).text).toMatch(/^did:key:\w+ {2}0\.000126 USD/m);
    // Of which records and times, so that no call stands in two bills unseen.
    expect(text).toMatch(/^These records are genuine, and of records 0 to \d+ nothing is missing/);
    expect(text).toMatch(/, from \d{4}-\d\d-\d\d \d\d:\d\d/);
    const { code: rc, text: json } = await recompute('--json');
    expect([rc, JSON.parse(json)]).toMatchObject([0, { from: 0, first: expect.stringMatching(/Z$/) }]);
  });

  it('holds an invoice against it', async () => {
    expect(await recompute('--invoice', '0.000126USD')).toMatchObject({
      code: 0,
      text: expect.stringContaining('agrees'),
    });
    const more = await recompute('--invoice', '0.01USD');
    expect([more.code, more.text]).toEqual([3, expect.stringContaining('0.009874 USD more was charged')]);
    expect((await recompute('--invoice', '0.0001USD')).text).toContain('0.000026 USD less was charged');
    expect((await recompute('--invoice', '5.00EUR', '--json')).text).toContain('"amount": "5000000"');
  });

  it('proves nothing of a bundle that was changed, and refuses what it cannot read', async () => {
    const text = Buffer.from(await world.audit.bundle())
      .toString()
      .replace('"output":3', '"output":2');
    await writeFile(join(world.files.root, 'changed.json'), text);
    const { io, out, err } = openTerminal({ env: {}, cwd: world.files.root });
    expect(await run(['budget', 'recompute', 'changed.json', '--trust', 'trust.json'], io)).toBe(3);
    expect(out() + err()).toContain('NOT PROVEN');
    for (const wrong of [
      ['--by', 'moon'],
      ['--invoice', 'much'],
    ])
      expect((await recompute(...wrong)).code).toBe(1);
    const alone = openTerminal({ env: {}, cwd: world.files.root });
    expect(await run(['budget', 'recompute', 'bundle.json'], alone.io)).toBe(1);
  });
});
