import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../../define-command.js';
import { addAnchorDeploy } from './deploy.js';
import { addAnchorExport } from './export.js';
import { addAnchorStatus } from './status.js';
import { addAnchorVerify } from './verify.js';

/** `talos audit anchor`: heads of the log on chains, and proof of them. */
export function addAnchorCommands(audit: Command, shell: Shell): void {
  const anchor = defineGroup(audit, 'anchor', 'heads of the log on chains, and proof of them');
  addAnchorStatus(anchor, shell);
  addAnchorDeploy(anchor, shell);
  addAnchorExport(anchor, shell);
  addAnchorVerify(anchor, shell);
}
