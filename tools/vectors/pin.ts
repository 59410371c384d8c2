import { hex, jcs, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';

export function pinNoun(): Noun {
  const n = createNoun(
    'pin',
    'the pin of tool on server with manifest (DEC-8). Invalid: TOOL_CHANGED, pin is of another announcement or manifest; MALFORMED, the manifest is none.',
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
  const priced = { ...manifest, cost: { amount: 1_500, currency: 'EUR' } };
  const price = (cost: Members): Members => ({ ...base, manifest: { ...manifest, cost } });
  const pricedPin = pinOf({ ...base, manifest: priced });
  n.ok('cost', 'DEC-8', 'a price', { ...base, manifest: priced }, { pin: pricedPin });
  const largest = price({ amount: Number.MAX_SAFE_INTEGER, currency: 'XTS' });
  n.ok('cost-largest', 'DEC-8', 'the largest price', largest, { pin: pinOf(largest) });
  const repriced: [string, Members][] = [
    ['cost-amount', price({ amount: 1_499, currency: 'EUR' })],
    ['cost-currency', price({ amount: 1_500, currency: 'USD' })],
    ['cost-removed', base],
  ];
  for (const [id, input] of repriced) n.no(id, 'DEC-8', id, { ...input, pin: pricedPin }, 'TOOL_CHANGED');
  n.no('cost-added', 'DEC-8', 'cost-added', { ...base, manifest: priced, pin }, 'TOOL_CHANGED');
  const noCosts: [string, Members][] = [
    ['cost-zero', { amount: 0, currency: 'EUR' }],
    ['cost-negative', { amount: -1, currency: 'EUR' }],
    ['cost-fraction', { amount: 0.5, currency: 'EUR' }],
    ['cost-unsafe', { amount: 2 ** 53, currency: 'EUR' }],
    ['cost-string', { amount: '1', currency: 'EUR' }],
    ['cost-small-letters', { amount: 1, currency: 'eur' }],
    ['cost-homoglyph', { amount: 1, currency: 'EU\u042f' }],
    ['cost-no-currency', { amount: 1 }],
    ['cost-unknown-member', { amount: 1, currency: 'EUR', per: 'call' }],
  ];
  for (const [id, cost] of noCosts) n.no(id, 'DEC-8', id, { ...price(cost), pin: pricedPin }, 'MALFORMED');
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
