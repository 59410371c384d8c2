import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addAdd } from './add.js';

/** `talos llm`: models behind the gateway. */
export function addLlmCommands(program: Command, shell: Shell): void {
  addAdd(defineGroup(program, 'llm', 'providers of language models behind the gateway'), shell);
}
