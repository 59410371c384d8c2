import type { Command } from 'commander';
import type { Shell } from '../define-command.js';
import { addAuditCommands } from './audit/audit.js';
import { addBudgetCommands } from './budget/budget.js';
import { addCapCommands } from './cap/cap.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { addIdCommands } from './id/id.js';
import { addImportCommands } from './import/import.js';
import { addInit } from './init.js';
import { addLlmCommands } from './llm/llm.js';
import { addMcpCommands } from './mcp/mcp.js';
import { addNodes } from './nodes.js';
import { addPolicyCommands } from './policy.js';
import { addRbacCommands } from './rbac/rbac.js';
import { addSecretsCommands } from './secrets/secrets.js';
import { addUp } from './up.js';
import { addWhy } from './why.js';
import { addWitness } from './witness.js';

/** Every command of `talos`, in the order a newcomer meets them. */
export function addCommands(program: Command, shell: Shell): void {
  addDemo(program, shell);
  addInit(program, shell);
  addUp(program, shell);
  addDoctor(program, shell);
  addNodes(program, shell);
  addPolicyCommands(program, shell);
  addWhy(program, shell);
  addIdCommands(program, shell);
  addCapCommands(program, shell);
  addMcpCommands(program, shell);
  addLlmCommands(program, shell);
  addImportCommands(program, shell);
  addBudgetCommands(program, shell);
  addAuditCommands(program, shell);
  addWitness(program, shell);
  addRbacCommands(program, shell);
  addSecretsCommands(program, shell);
}
