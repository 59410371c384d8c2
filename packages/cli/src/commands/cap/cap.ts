import { createNodeCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { defineGroup, type Shell } from '../../define-command.js';
import { addAttenuate } from './attenuate.js';
import { addExplain } from './explain.js';
import { addInspect } from './inspect.js';
import { addIssue } from './issue.js';
import { addRevoke } from './revoke.js';
import { addStatus } from './status.js';
import { addVerify } from './verify.js';

/** `talos cap`: capabilities, which say who may do what. */
export function addCapCommands(program: Command, shell: Shell): void {
  const cap = defineGroup(program, 'cap', 'capabilities: who may do what, until when, how often');
  const crypto = createNodeCrypto();
  addIssue(cap, shell, crypto);
  addAttenuate(cap, shell, crypto);
  addInspect(cap, shell, crypto);
  addVerify(cap, shell, crypto);
  addExplain(cap, shell, crypto);
  addRevoke(cap, shell, crypto);
  addStatus(cap, shell, crypto);
}
