import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import type { DemoReport } from '../demo/index.js';
import { EXIT } from '../exit-code.js';
import type { Output } from '../output.js';
import { dataFolder, type PlaceOptions, withPlace } from '../place.js';
import { shellWord } from '../shell-word.js';

/** `talos demo`: the main job on real parts, told step by step. */
export function addDemo(program: Command, shell: Shell): void {
  const text = {
    usage: 'demo',
    summary: 'run the main job on real parts and tell it step by step',
    examples: ['talos demo', 'talos demo --json'],
    notes: [
      'Everything happens below <data>/demo, on ports of its own on this machine. Exit code 0 only if every step came',
      'out as it should.',
    ],
  };
  const demo: Handler<PlaceOptions> = async ({ io, output, options }) => {
    // Loaded only here: it brings an MCP client and a tool server along.
    const { runDemo } = await import('../demo/index.js');
    const report = await runDemo(io, output, dataFolder(io, options));
    output.result(report, () => printClosing(output, report));
    if (report.ok && report.bundle !== undefined)
      output.next(
        `talos audit verify ${shellWord(report.bundle)} --trust ${shellWord(report.trust ?? '')}; then talos up`,
      );
    return report.ok ? EXIT.ok : EXIT.unavailable;
  };
  withPlace(defineCommand(program, shell, text, demo));
}

function printClosing(
  output: Output,
  { ok, steps, decisions, latency, log, bundle, trust }: DemoReport,
): void {
  const { color, line } = output;
  const done = steps.filter((step) => step.ok).length;
  line(
    ok
      ? color.green(`\nAll ${done} steps came out as they should.`)
      : color.red('\nThe demo FAILED at the last step.'),
  );
  if (decisions === undefined || latency === undefined || log === undefined) return;
  line(`  decisions  ${decisions.total}: ${decisions.allowed} allowed, ${decisions.denied} denied`);
  line(`  latency    median ${latency.median_ms} ms, p99 ${latency.p99_ms} ms of ${latency.calls} calls`);
  line(`  log        ${log.size} events, root ${log.root}`);
  line(`  bundle     ${bundle}`);
  line(`  trust      ${trust}`);
}
