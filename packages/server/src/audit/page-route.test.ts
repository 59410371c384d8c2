import { afterAll, describe, expect, it } from 'vitest';
import type { Listener } from '../platform/http.js';
import { openTestListener } from '../platform/testing/listener.js';
import { createPageRoute } from './page-route.js';

const listeners: Listener[] = [];
afterAll(async () => {
  for (const listener of listeners) await listener.closeGracefully(100);
});

async function serve(read: Parameters<typeof createPageRoute>[0]): Promise<string> {
  const listener = await openTestListener({ routes: [createPageRoute(read)], guards: {} });
  listeners.push(listener);
  return listener.url;
}

describe('the page of the verifier (AUD-64)', () => {
  it("is everybody's, under its own policy and in no frame", async () => {
    const url = await serve(async () => ({ html: '<!doctype html>é', policy: "default-src 'none'" }));
    const response = await fetch(`${url}/verify`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; frame-ancestors 'none'",
    );
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe('<!doctype html>é');
    expect((await fetch(`${url}/verify?x=1`)).status).toBe(400);
  });

  it('says so when it was not built', async () => {
    const url = await serve(async () => {
      throw new Error('ENOENT');
    });
    const response = await fetch(`${url}/verify`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('npm run build');
  });
});
