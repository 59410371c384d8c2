import { readFile } from 'node:fs/promises';
import { connect } from './calls.js';
import type { StepOutcome } from './step.js';
import { part, type World } from './world.js';

/** The sub-agent sees only what it may use, and uses it. */
export async function listAndRead(world: World): Promise<StepOutcome> {
  world.calls = await connect(world, part(world, 'workerChain'));
  const tools = await world.calls.tools();
  const outcome = await world.calls.call('read_text_file', { path: world.scratch.guide });
  const expected = await readFile(world.scratch.guide, 'utf8');
  const read = outcome.allowed && !outcome.failed && outcome.text === expected;
  return {
    ok: tools.length === 1 && tools[0] === 'filesystem__read_text_file' && read,
    lines: [
      'the official MCP client connects over streamable HTTP and proves possession of its key on every request',
      `tools/list shows ${tools.length} of 3 served tools: ${tools.join(', ')}`,
      `read_text_file ${world.scratch.guide}: ${read ? `allowed, ${expected.length} bytes` : 'FAILED'}`,
    ],
    facts: { tools, allowed: read },
  };
}
