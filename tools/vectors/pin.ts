import { hex, jcs, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';

export function pinNoun(): Noun {
  const n = createNoun(
    'pin',
    'the pin of tool on server with manifest (DEC-8). Invalid: TOOL_CHANGED, pin is of another announcement or manifest.',
  );
  const manifest = { op: 'read', resources: [{ ptr: '/path', kind: 'path', required: true }] };
  const tool = {
    name: 'read_file',
    description: 'Reads \u20ac',
    inputSchema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    annotations: { readOnlyHint: true },
  };
  const pinOf = (input: Members) => hex(sha256(jcs(input)));
  const base: Members = { manifest, server: 'fs', tool };
  const pin = pinOf(base);
  n.ok('tool', 'DEC-8', 'a tool', base, { pin });
  n.ok(
    'order',
    'DEC-8',
    'members in another order',
    { manifest, server: 'fs', tool: Object.fromEntries(Object.entries(tool).reverse()) },
    { pin },
  );
  n.ok(
    'float',
    'DEC-8',
    'a schema with a fraction',
    { ...base, tool: { ...tool, inputSchema: { maximum: 0.5 } } },
    { pin: pinOf({ ...base, tool: { ...tool, inputSchema: { maximum: 0.5 } } }) },
  );
  const changed: [string, Members][] = [
    ['name', { tool: { ...tool, name: 'write_file' } }],
    ['description', { tool: { ...tool, description: 'Reads' } }],
    ['annotations', { tool: { ...tool, annotations: { readOnlyHint: false } } }],
    ['added-member', { tool: { ...tool, title: 'x' } }],
    ['schema', { tool: { ...tool, inputSchema: { type: 'object' } } }],
    ['server', { server: 'fs2' }],
    ['op', { manifest: { ...manifest, op: 'write' } }],
    ['resources', { manifest: { ...manifest, resources: [] } }],
    ['nfd', { tool: { ...tool, description: 'Reads \u20ac\u0301' } }],
  ];
  for (const [id, changes] of changed) n.no(id, 'DEC-8', id, { ...base, ...changes, pin }, 'TOOL_CHANGED');
  return n.done();
}
