import { describe, expect, it } from 'vitest';
import { clientToolTokens, isClientTool } from './client-tools.js';

// LLM-6, LLM-7
describe('tools that the client runs', () => {
  it.each(['bash_20250124', 'text_editor_20250728', 'computer_20250124', 'memory_20250818', 'local_shell'])(
    'are known by their type: %s',
    (type) => expect(isClientTool(type)).toBe(true),
  );

  it.each([
    ...['web_search_20250305', 'web_fetch_20250910', 'code_execution_20250825', 'mcp', 'shell', 'function'],
    ...['bash_2025', 'bash_20250124_x', 'x_bash_20250124', 'bash_20250124\nweb_search', 'BASH_20250124', ''],
  ])('are not those that run elsewhere, or that nobody knows: %j', (type) =>
    expect(isClientTool(type)).toBe(false),
  );

  it('are counted one by one, so that none can be hidden behind another of its type', () => {
    const tool = { type: 'bash_20250124', name: 'bash' };
    expect(clientToolTokens(undefined, [])).toBe(0);
    expect(clientToolTokens('bash_20250124', [])).toBe(0);
    // Chosen, and not among the tools.
    expect(clientToolTokens(undefined, ['local_shell', 'web_search'])).toBe(4_096);
    expect(clientToolTokens([{ type: 'local_shell' }], ['local_shell'])).toBe(4_096);
    expect(
      clientToolTokens([{ name: 'own' }, { type: 'custom' }, { type: 7 }, null, 'bash_20250124'], []),
    ).toBe(0);
    expect(clientToolTokens([tool, { type: 'web_search_20250305' }, tool, { type: 'local_shell' }], [])).toBe(
      12_288,
    );
  });
});
