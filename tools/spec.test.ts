import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EVENTS, PROBLEMS } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../docs/spec/', import.meta.url));
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const text = (page: string): string => readFileSync(`${folder}${page}`, 'utf8');
const statements = pages.flatMap((page) =>
  [...text(page).matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map(([, id = '']) => id),
);

const root = fileURLToPath(new URL('../', import.meta.url));
const BUILT = /(^|\/)(node_modules|dist|coverage)\//;

/** What tests say: test files, and the vectors, which every implementation runs. */
function citations(): Set<string> {
  const names = ['packages', 'tests', 'tools', 'bench'].flatMap((top) =>
    readdirSync(`${root}${top}`, { recursive: true, encoding: 'utf8' }).map((name) => `${top}/${name}`),
  );
  const cited = names.filter(
    (name) => !BUILT.test(name) && /\.test\.ts$|^packages\/contracts\/vectors\/.*\.json$/.test(name),
  );
  return new Set(
    cited.flatMap(
      (name) =>
        readFileSync(`${root}${name}`, 'utf8').match(
          /\b(?:ENC|ID|CAP|SES|DEC|AUD|REV|RBAC|SEC|LLM|LIM|BUD|GRD|TEL)-\d+/g,
        ) ?? [],
    ),
  );
}

describe('the specification', () => {
  it('has the error table of the code, row by row (DEC-14)', () => {
    const rows = [
      ...text('decision.md').matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \| (yes)? ?\| (yes)? ?\| (.+) \|$/gm),
    ];
    const stated = Object.fromEntries(
      rows.map(([, code = '', status, decision, again, title]) => [
        code,
        { status: Number(status), retryable: again === 'yes', decision: decision === 'yes', title },
      ]),
    );
    expect(stated).toEqual(PROBLEMS);
  });

  it('numbers every statement once', () => {
    expect(statements.length).toBeGreaterThan(90);
    expect(statements.filter((id, index) => statements.indexOf(id) !== index)).toEqual([]);
  });

  it('has no statement that no test cites', () => {
    const cited = citations();
    expect(statements.filter((id) => !cited.has(id))).toEqual([]);
  });

  it('says of every member of an event that stands open why it may (AUD-90)', () => {
    const table = text('audit.md').split('- **AUD-90**')[1]?.split('- **AUD-91**')[0] ?? '';
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const explained = new Set(rows.flatMap((row) => row.split('|')[1]?.match(/(?<=`)[a-z_]+(?=`)/g) ?? []));
    const open = openMembers(Object.values(EVENTS));
    expect(open.size).toBeGreaterThan(50);
    expect([...open].filter((name) => !explained.has(name))).toEqual([]);
    expect([...explained].filter((name) => !open.has(name))).toEqual([]);
  });
});

/** Names of members at every depth that hold a value, and no commitment. */
function openMembers(schemas: readonly object[], found = new Set<string>()): Set<string> {
  for (const schema of schemas) {
    const {
      properties = {},
      anyOf = [],
      items = [],
    } = schema as {
      properties?: Record<string, object>;
      anyOf?: object[];
      items?: object | object[];
    };
    for (const [name, member] of Object.entries(properties)) {
      const inner = openMembers([member]);
      if (inner.has('$c')) continue;
      if (inner.size === 0) found.add(name);
      for (const one of inner) found.add(one);
    }
    openMembers([...anyOf, items].flat(), found);
  }
  return found;
}
