import { TrustError } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { createHealth } from './health.js';
import { observeHealth } from './metrics/health-metrics.js';
import { createMetrics } from './metrics/metrics.js';
import { createTestLog } from './testing/test-log.js';

describe('health', () => {
  it('of a part that serves reads and refuses writes for the disk says so, and takes calls', async () => {
    const lines: string[] = [];
    const health = createHealth(createTestLog(lines));
    const metrics = createMetrics();
    observeHealth(metrics, health);
    health.register('audit', () => 'disk');
    health.register('node', () => undefined);
    expect(await health.report()).toEqual({ ready: true, checks: { audit: 'disk', node: 'ok' } });
    expect(metrics.text()).toContain('talos_health_check_passing{check="audit"} 0\n');
    expect(metrics.text()).toContain('talos_ready 1\n');
    expect(lines).toEqual([]);
  });

  it('of a part that fails is not ready, and the log says why', async () => {
    const lines: string[] = [];
    const health = createHealth(createTestLog(lines));
    health.register('audit', () => {
      throw new TrustError('UNAVAILABLE', 'the log is not open');
    });
    expect(await health.report()).toEqual({ ready: false, checks: { audit: 'failing' } });
    expect(lines.join('')).toContain('the log is not open');
  });
});
