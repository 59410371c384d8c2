import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { bucketError } from '../../packages/server/src/audit/storage/bucket-fault.js';
import { parsePolicy } from '../../packages/server/src/platform/policy-file.js';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const pages = ['erasure.md', ...readdirSync(join(docs, 'guides')).map((name) => `guides/${name}`)];
const read = (page: string): string => readFileSync(join(docs, page), 'utf8');

/** The parts of a talos.yaml on a page; what is saved as a file is of others, and executed. */
const parts = pages.flatMap((page) =>
  [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => [page, text] as const),
);

describe('settings that a page shows', () => {
  it.each(parts)('are taken as they stand in docs/%s', (page, text) => {
    const whole = `version: 1\nservers: {}\n${text}`;
    const { document } = parsePolicy(whole, page, { variables: {}, crypto: createNodeCrypto() });
    expect(Object.keys(document).length).toBeGreaterThan(2);
  });

  it('are of retention and of a bucket at least', () => {
    expect(parts.map(([page]) => page)).toEqual(['erasure.md', 'guides/object-storage.md']);
  });

  it('give to a bucket the permissions that a refusal asks for, and no other', () => {
    const [, text = ''] = /^```json\n([\s\S]*?)^```$/m.exec(read('guides/object-storage.md')) ?? [];
    const { Statement } = JSON.parse(text) as { Statement: { Action: string | string[] }[] };
    const actions = Statement.flatMap(({ Action }) => Action).map((name) => name.replace(/^s3:/, ''));
    const refused = bucketError('give checkpoint', {
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
    const asked = refused.data.hint?.match(/\b(?:Get|Put|Delete|List)[A-Z]\w+/g) ?? [];
    expect(actions.toSorted()).toEqual(asked.toSorted());
  });
});
