import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Constraint, createChecker } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import { itemsOfCall } from './items.js';
import { parseManifest } from './manifest.js';
import { compileOnly } from './only.js';
import { coversScope, parseScope } from './scope.js';
import { compileConstraint } from './where/constraint.js';

const crypto = createNodeCrypto();
const folder = fileURLToPath(new URL('../../../contracts/vectors', import.meta.url));
const checkConstraint = createChecker(Constraint);

interface Case {
  readonly id: string;
  readonly spec: string;
  readonly expect: JsonObject;
  // biome-ignore lint/suspicious/noExplicitAny: each noun has members of its own
  readonly [member: string]: any;
}

/** What an implementation answers to a case, in the words of the vectors. */
const ANSWERS: Readonly<Record<string, (c: Case) => JsonObject>> = {
  scope: (c) => ({ scope: parseScope(c['scope'], c['in']).text }),
  covers: (c) =>
    coversScope(parseScope(c['grant'], 'grant'), parseScope(c['item'], 'item').text)
      ? { covers: true }
      : { code: 'SCOPE_MISMATCH' },
  constraint(c) {
    if (checkConstraint(c['constraint']) !== undefined) return { code: 'MALFORMED' };
    return holds(compileConstraint(c['constraint'], crypto).holds(c['arguments']));
  },
  only: (c) => holds(compileOnly(c['only'])(c['arguments'])),
  items(c) {
    const { server, tool, arguments: args } = c;
    const items = itemsOfCall({ server, tool, arguments: args, manifest: parseManifest(c['manifest']) });
    return { items: items.map(({ scope, op }) => ({ scope, op })).sort(byText) };
  },
};

describe('contract vectors', () => {
  for (const [noun, answer] of Object.entries(ANSWERS)) {
    for (const kind of ['valid', 'invalid']) {
      it.each(readCases(kind, noun))(`${kind} $id ($spec)`, (c) => {
        const { items, ...others } = c.expect;
        const expected = Array.isArray(items) ? { ...others, items: items.toSorted(byText) } : c.expect;
        expect(attempt(() => answer(c))).toEqual(expected);
      });
    }
  }
});

function readCases(kind: string, noun: string): Case[] {
  const file = `${folder}/${kind}/${noun}.json`;
  expect(existsSync(file), file).toBe(true);
  return JSON.parse(readFileSync(file, 'utf8')).cases;
}

function attempt(work: () => JsonObject): JsonObject {
  try {
    return work();
  } catch (error) {
    if (isTrustError(error)) return { code: error.code };
    throw error;
  }
}

function holds(answer: boolean): JsonObject {
  return answer ? { holds: true } : { code: 'CONSTRAINT_VIOLATED' };
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
