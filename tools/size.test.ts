import { describe, expect, it } from 'vitest';
import { functionLines } from './size.js';

describe('functionLines', () => {
  it('counts functions, methods and arrows with a body, also behind comments and multi-byte text', () => {
    const source =
      '// ä\n/* x */\nexport function a() {\n  return 1;\n}\n// é\nconst b = () => {\n  return 2;\n};\nclass C { m() {\n return 1;\n } }\n';
    expect(functionLines(source)).toEqual([3, 3, 3]);
  });

  it('does not count an arrow that is one expression', () => {
    expect(functionLines('export const a = () => 1;\n')).toEqual([]);
  });
});
