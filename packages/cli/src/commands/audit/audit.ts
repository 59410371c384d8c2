import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addAnchorCommands } from './anchor/anchor.js';
import { addErase } from './erase.js';
import { addExport } from './export.js';
import { addFsck } from './fsck.js';
import { addLogCommands } from './log.js';
import { addPage } from './page.js';
import { addPrune } from './prune.js';
import { addStats } from './stats.js';
import { addTail } from './tail.js';
import { addVerify } from './verify.js';
import { addWatch } from './watch.js';
import { addWitnesses } from './witnesses.js';

/** `talos audit`: what happened, and proof of it. */
export function addAuditCommands(program: Command, shell: Shell): void {
  const audit = defineGroup(program, 'audit', 'what was decided, and proof of it');
  addTail(audit, shell);
  addStats(audit, shell);
  addExport(audit, shell);
  addVerify(audit, shell);
  addPage(audit, shell);
  addAnchorCommands(audit, shell);
  addWatch(audit, shell);
  addWitnesses(audit, shell);
  addFsck(audit, shell);
  addLogCommands(audit, shell);
  addErase(audit, shell);
  addPrune(audit, shell);
}
