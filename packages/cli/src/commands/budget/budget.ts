import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addRecompute } from './recompute.js';
import { addStatus } from './status.js';

/** `talos budget`: what is left for calls, and what they came to. */
export function addBudgetCommands(program: Command, shell: Shell): void {
  const budget = defineGroup(program, 'budget', 'what is left for calls, and what they came to');
  addStatus(budget, shell);
  addRecompute(budget, shell);
}
