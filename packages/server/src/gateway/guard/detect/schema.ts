import { Compile } from 'typebox/schema';
import type { Finding } from './finding.js';

/** Builds what finds a text that is no JSON, or not of the schema (JSON Schema 2020-12).
 *  @throws {Error} not a schema */
export function createSchemaDetector(schema: object): (text: string) => readonly Finding[] {
  const validator = Compile(schema);
  return (text) => (validator.Check(parsed(text)) ? [] : [{ type: 'schema', start: 0, end: text.length }]);
}

/** Undefined, which no schema lets pass, if it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
