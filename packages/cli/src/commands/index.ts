import type { Command } from 'commander';
import type { Shell } from '../define-command.js';
import { addAuditCommands } from './audit/audit.js';
import { addCapCommands } from './cap/cap.js';
import { addIdCommands } from './id/id.js';
import { addWhy } from './why.js';

/** Every command of `talos`. */
export function addCommands(program: Command, shell: Shell): void {
  addWhy(program, shell);
  addIdCommands(program, shell);
  addCapCommands(program, shell);
  addAuditCommands(program, shell);
}
