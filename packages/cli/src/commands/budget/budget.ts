import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addRecompute } from './recompute.js';
import { addRemove } from './remove.js';
import { addSet } from './set.js';
import { addStatus } from './status.js';

/** `talos budget`: what calls may come to, what is left, and what they came to. */
export function addBudgetCommands(program: Command, shell: Shell): void {
  const budget = defineGroup(
    program,
    'budget',
    'what calls may come to, what is left, and what they came to',
  );
  addSet(budget, shell);
  addRemove(budget, shell);
  addStatus(budget, shell);
  addRecompute(budget, shell);
}
