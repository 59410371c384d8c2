import { expect, it } from 'vitest';
import { servedTool } from './served-tool.js';

it('a listed tool keeps its schemas, without what clients would act on towards us', () => {
  const announced = {
    name: 't',
    inputSchema: {
      type: 'object',
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        'x-mcp-header': { type: 'string' },
      },
    },
    outputSchema: { type: 'object' },
    execution: { taskSupport: 'optional' },
  };
  expect(servedTool(announced, 's__t')).toEqual({
    name: 's__t',
    inputSchema: {
      type: 'object',
      properties: { region: { type: 'string' }, 'x-mcp-header': { type: 'string' } },
    },
    outputSchema: { type: 'object' },
  });
});
