import { Compile } from 'typebox/schema';
import type { Finding } from './finding.js';

/** Builds what finds a text that is no JSON, or not of the schema (JSON Schema 2020-12).
 *  @throws {Error} not a schema */
export function createSchemaDetector(schema: object): (text: string) => readonly Finding[] {
  const validator = Compile(schema);
  const fits = (text: string): boolean => {
    try {
      return validator.Check(JSON.parse(text));
    } catch {
      return false;
    }
  };
  return (text) => (fits(text) ? [] : [{ type: 'schema', start: 0, end: text.length }]);
}
