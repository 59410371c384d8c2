import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** Tests run on the sources: an import of a workspace package resolves to its `src`, so no build is needed first. */
const alias = [
  { find: /^@talosprotocol\/protocol\/node$/, replacement: source('protocol/src/node/index.ts') },
  { find: /^@talosprotocol\/sdk\/(archive|keys)$/, replacement: source('sdk/src/$1/index.ts') },
  { find: /^@talosprotocol\/server\/main$/, replacement: source('server/src/main.ts') },
  { find: /^@talosprotocol\/(contracts|protocol|sdk|verifier)$/, replacement: source('$1/src/index.ts') },
];

/** A thread runs what node can run: beside the sources of one there is none, and tests give it what is made of them. */
const threadOfSources = {
  name: 'thread-of-sources',
  transform: (code: string, id: string) =>
    id.endsWith('/guard/scan/scanner.ts')
      ? code.replace(
          /new URL\((["'])\.\/scan-thread\.js\1, import\.meta\.url\)/,
          `new URL(${JSON.stringify(new URL('./packages/server/node_modules/.cache/sources/scan-thread.mjs', import.meta.url).href)})`,
        )
      : undefined,
};

const TESTS = [
  'packages/*/src/**/*.test.ts',
  'tests/**/*.test.ts',
  'tools/**/*.test.ts',
  'bench/**/*.test.ts',
];
const NONE = ['**/node_modules/**', '**/dist/**', '**/bundle/**'];
/** They watch a module, or look which ones are read. */
const WITH_OWN_MODULES = ['hostile-routes', 'metrics', 'openapi', 'permissions'].map(
  (name) => `tests/e2e/${name}.test.ts`,
);

export default defineConfig({
  plugins: [threadOfSources],
  resolve: { alias },
  test: {
    globalSetup: [
      './tests/support/page-setup.ts',
      './tests/support/thread-setup.ts',
      './tests/support/bundle-setup.ts',
    ],
    setupFiles: ['./tests/support/leave-as-found.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What is waited for comes; how soon depends on what else the machine does.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    pool: 'forks',
    // The files of a worker share its modules: reading them anew for each took a third of all time.
    isolate: false,
    projects: [
      { extends: true, test: { name: 'shared', include: TESTS, exclude: [...NONE, ...WITH_OWN_MODULES] } },
      { extends: true, test: { name: 'own', include: WITH_OWN_MODULES, isolate: true } },
    ],
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      reportOnFailure: true,
      include: ['packages/*/src/**/*.ts'],
      // The page of the verifier is tested in a browser.
      exclude: ['**/*.test.ts', '**/testing/**', '**/index.ts', 'packages/verifier/src/page/**'],
      reporter: ['text-summary', 'json-summary'],
      // What runs in processes of its own (the demo, the server's program) is tested but not counted.
      thresholds: {
        lines: 88,
        branches: 82,
        'packages/{contracts,protocol}/src/**': { lines: 99, functions: 99, branches: 97 },
        'packages/protocol/src/**': { branches: 100 },
        'packages/sdk/src/**': { lines: 95, branches: 90 },
        'packages/server/src/{kernel,gateway,audit,witness}/**': { lines: 95, branches: 85 },
      },
    },
  },
});
