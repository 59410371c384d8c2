#!/usr/bin/env node
import { createProcessIo } from './process-io.js';
import { run } from './run.js';

const code = await run(process.argv.slice(2), createProcessIo());
process.exitCode = code;
// Stopped by a signal: what was still waited for must not keep us.
if (code >= 128) process.exit();
