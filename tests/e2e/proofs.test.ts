import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { verifyBundle } from '@talosprotocol/protocol';
import { createAgent, type Denial, denialOf, withCapability } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProvenDenial, provenEvent } from '../support/evidence.js';
import { type Cast, castOf, crypto, openWorld, type World } from '../support/world.js';

let world: World;
let cast: Cast;
const READ = 'files__read_text_file';

beforeAll(async () => {
  world = await openWorld();
  cast = await castOf(world, world.files);
});
afterAll(() => world?.close());

const options = () => ({
  identity: cast.agent,
  capability: cast.agentChain,
  gateway: world.ready.gateway,
  crypto,
  prove: 'request' as const,
});

// SES-13, SES-14, AUD-22
describe('an agent that proves each request', () => {
  it('works behind an official client, without a session', async () => {
    const client = withCapability(new Client({ name: 'one', version: '1' }), options());
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', world.ready.gateway)));
    const read = (path: string) => client.callTool({ name: READ, arguments: { path } });
    expect(await read(world.files.guide)).toMatchObject({ content: [{ text: '# Guide\n' }] });
    const denial = await read(world.files.secret).then(
      () => undefined,
      (error: unknown) => denialOf(error),
    );
    expect(denial).toMatchObject({ code: 'SCOPE_MISMATCH' });
    await expectProvenDenial(world, denial as Denial);
    await client.close();
  });

  it('leaves its proof in the log, and the verifier holds the call against it', async () => {
    const { fetch } = createAgent(options());
    const call = { name: READ, arguments: { path: world.files.guide } };
    const response = await fetch(`${world.ready.gateway}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
    });
    expect(response.status).toBe(200);
    const receipt = response.headers.get('x-talos-receipt') ?? '';
    expect(await provenEvent(world, receipt)).toMatchObject({
      principal: { sub: cast.agent.did },
      credential: { kind: 'proof', proof: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) },
    });
    const report = verifyBundle(await world.audit.bundle(), await world.trust(), crypto);
    expect(report.counts.allowed).toBeGreaterThanOrEqual(2);
    expect(report.counts.unchecked).toBe(0);
  });
});
