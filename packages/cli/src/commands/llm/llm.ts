import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addAdd } from './add.js';
import { addAlias } from './alias.js';

/** `talos llm`: models behind the gateway. */
export function addLlmCommands(program: Command, shell: Shell): void {
  const llm = defineGroup(program, 'llm', 'providers of language models behind the gateway');
  addAdd(llm, shell);
  addAlias(llm, shell);
}
