import { expect, it } from 'vitest';
import { compilePolicy } from './policy.js';

it('a policy document is compiled with its own limits, else the defaults', () => {
  const document = {
    version: 1 as const,
    limits: { bodyBytes: 2048, bodySeconds: 2, answerBytes: 4096 },
    servers: {
      files: {
        command: 'node',
        cwd: '/srv',
        idleSeconds: 5,
        lifetimeSeconds: 6,
        callTimeoutSeconds: 7,
        maxConcurrent: 3,
        tools: { read: { op: 'read' as const, resources: [], pin: 'b'.repeat(64) } },
      },
      plain: { command: 'node' },
    },
  };
  const policy = compilePolicy({ hash: 'a'.repeat(64), document, defaultTenant: 't' });
  expect(policy).toMatchObject({
    hash: 'a'.repeat(64),
    defaultTenant: 't',
    limits: { bodyBytes: 2048, bodyMs: 2000, perAddressPerMinute: 6000, maxConcurrentCalls: 512 },
  });
  expect(policy.servers.get('files')).toMatchObject({
    name: 'files',
    run: { command: 'node', args: [], env: {}, cwd: '/srv' },
    limits: { idleMs: 5000, lifetimeMs: 6000, callTimeoutMs: 7000, maxConcurrent: 3, maxMessageBytes: 4096 },
  });
  const pinned = policy.servers.get('files')?.tools.get('read');
  expect(pinned).toMatchObject({ pin: 'b'.repeat(64), manifest: { source: { op: 'read', resources: [] } } });
  expect(policy.servers.get('plain')?.tools.size).toBe(0);
});
