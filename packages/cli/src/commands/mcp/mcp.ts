import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addPolicy } from './policy.js';
import { addWrap } from './wrap.js';

/** `talos mcp`: tool servers behind the gateway. */
export function addMcpCommands(program: Command, shell: Shell): void {
  const mcp = defineGroup(program, 'mcp', 'MCP tool servers behind the gateway');
  addWrap(mcp, shell);
  addPolicy(mcp, shell);
}
