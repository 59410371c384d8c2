import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addRecompute } from './recompute.js';

/** `talos budget`: what calls came to. */
export function addBudgetCommands(program: Command, shell: Shell): void {
  addRecompute(defineGroup(program, 'budget', 'what calls came to'), shell);
}
