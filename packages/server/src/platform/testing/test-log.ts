import { createLog, type Log } from '../log.js';
import { clock } from '../system.js';

/** A real log whose lines go into `lines`. */
export function createTestLog(lines: string[] = []): Log {
  return createLog({ level: 'debug', format: 'json', clock, write: (line) => void lines.push(line) });
}
