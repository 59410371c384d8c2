import type { Io } from '../io.js';
import type { Output } from '../output.js';
import { untilStopped } from '../stopping.js';
import { listAndRead } from './allowed.js';
import { ATTACKS, type Attack } from './attacks.js';
import { issueAndNarrow } from './capabilities.js';
import { exportAndVerify } from './evidence.js';
import { makeIdentities } from './identities.js';
import { addToolServer, startPlatform } from './platform.js';
import { openScratch, type Scratch } from './scratch.js';
import { describeDenial, type Step, type StepOutcome, type StepReport } from './step.js';
import { type Summary, summarize } from './summary.js';
import type { World } from './world.js';

/** What `talos demo --json` prints. */
export interface DemoReport extends Partial<Summary> {
  /** True only if every step came out as it should. */
  readonly ok: boolean;
  readonly steps: readonly StepReport[];
}

const STEPS: readonly Step[] = [
  {
    id: 'identities',
    title: 'An organisation, an agent and a sub-agent get identities',
    run: makeIdentities,
  },
  { id: 'platform', title: 'All roles start in one process', run: startPlatform },
  { id: 'tool-server', title: 'A real MCP server is put behind the gateway', run: addToolServer },
  {
    id: 'capability',
    title: 'The organisation issues a capability, the agent narrows it offline',
    run: issueAndNarrow,
  },
  { id: 'allowed', title: 'The sub-agent lists tools and reads a file', run: listAndRead },
  ...ATTACKS.map(attackStep),
  {
    id: 'evidence',
    title: 'Every decision has a receipt; all of them are verified offline',
    run: exportAndVerify,
  },
];

/** Runs the main job on real parts and tells it step by step. The first step that fails ends it.
 *  `dataFolder` is absolute; everything happens below its folder `demo`.
 *  @throws {StoppedError} somebody stopped it; nothing of it runs any more */
export async function runDemo(io: Io, output: Output, dataFolder: string): Promise<DemoReport> {
  const scratch = await openScratch(dataFolder);
  return untilStopped(io, async (signal) => {
    const world: World = { scratch, env: environment(io, scratch), now: io.now, latencies: [], signal };
    try {
      return await tell(world, io, output);
    } finally {
      await end(world);
    }
  });
}

async function tell(world: World, io: Io, output: Output): Promise<DemoReport> {
  const steps: StepReport[] = [];
  for (const step of STEPS) {
    const report = await runStep(step, world, io);
    // What a step made of the platform's end is no outcome of it.
    world.signal.throwIfAborted();
    steps.push(report);
    tellStep(report, steps.length, output);
    if (!report.ok) return { ok: false, steps };
  }
  return { ok: true, steps, ...(await summarize(world)) };
}

async function runStep(step: Step, world: World, io: Io): Promise<StepReport> {
  const stop = io.spin(step.title);
  try {
    const { ok, lines, facts = {} } = await step.run(world);
    return { id: step.id, title: step.title, ok, lines, facts };
  } catch (error) {
    const lines = [
      `failed: ${error instanceof Error ? error.message : String(error)}`,
      `the platform's log is in ${world.scratch.log}`,
    ];
    return { id: step.id, title: step.title, ok: false, lines, facts: {} };
  } finally {
    stop();
  }
}

function tellStep({ ok, title, lines }: StepReport, number: number, { line, color }: Output): void {
  const mark = ok ? color.green('ok') : color.red('FAILED');
  line(`${color.bold(`${String(number).padStart(2)}. ${title}`)}  ${mark}`);
  for (const text of lines) line(`    ${text.startsWith('hint:') ? color.dim(text) : text}`);
}

/** An attack is a step that is all right when it was refused as it should be. */
function attackStep(attack: Attack): Step {
  return {
    id: attack.id,
    title: `Must be refused: ${attack.title}`,
    run: async (world): Promise<StepOutcome> => {
      const outcome = await attack.run(world);
      if (outcome.allowed) return { ok: false, lines: ['it was ALLOWED'], facts: { allowed: true } };
      const { denial } = outcome;
      const { code, link } = attack.expect;
      const asExpected =
        denial.code === code && (link === undefined || denial.link === link) && denial.hint !== undefined;
      const lines = describeDenial(denial);
      return {
        ok: asExpected,
        lines: asExpected
          ? lines
          : [...lines, `expected ${code}${link === undefined ? '' : ` at link ${link}`}`],
        facts: { allowed: false, ...denial },
      };
    },
  };
}

async function end(world: World): Promise<void> {
  await world.calls?.close().catch(() => undefined);
  await world.server?.stop();
  await world.scratch.release();
}

/** The platform of the demo has its own data and free ports, so that it never meets another one. */
function environment({ env }: Io, scratch: Scratch): World['env'] {
  const own = Object.entries(env).filter(
    ([name]) => !name.startsWith('TALOS_') || name === 'TALOS_POSTGRES_USER',
  );
  return {
    ...Object.fromEntries(own),
    TALOS_DATA: scratch.platform,
    TALOS_KERNEL_PORT: '0',
    TALOS_GATEWAY_PORT: '0',
    TALOS_AUDIT_PORT: '0',
    TALOS_LOG_FORMAT: 'json',
  };
}
