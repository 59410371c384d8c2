import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROBLEMS } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../docs/spec/', import.meta.url));
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const text = (page: string): string => readFileSync(`${folder}${page}`, 'utf8');

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
    const ids = pages.flatMap((page) =>
      [...text(page).matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map(([, id]) => id),
    );
    expect(ids.length).toBeGreaterThan(90);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});
