import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addLogExport } from './log-export.js';
import { addLogImport } from './log-import.js';

/** `talos audit log`: the whole log at once. */
export function addLogCommands(audit: Command, shell: Shell): void {
  const log = defineGroup(audit, 'log', 'take the whole log away, and bring it back');
  addLogExport(log, shell);
  addLogImport(log, shell);
}
