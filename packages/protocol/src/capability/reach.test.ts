import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/index.js';
import { issueCapability } from './issue.js';
import { checkToolInReach } from './reach.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';
import { verifyCapabilityAsOf } from './verify.js';

const crypto = createNodeCrypto();
const { agent, anchors, deps, gateway, organisation } = createWorld(crypto);

/** For the tool read_file of the server fs, under an anchor with these grants. */
function capabilityUnder(scope: string) {
  const options = { sub: agent.did, aud: [gateway.did], exp: NOW + 60, grants: [READ_DOCS] };
  const chain = issueCapability(options, organisation, deps);
  return verifyCapabilityAsOf(chain, {
    time: NOW,
    anchors: anchors({ grants: [{ scope, ops: ['read'] }] }),
    crypto,
  });
}

describe('checkToolInReach', () => {
  it('lets a tool pass of which some call could be allowed (DEC-8)', () => {
    expect(() =>
      checkToolInReach(capabilityUnder('tool:*'), { server: 'fs', tool: 'read_file' }),
    ).not.toThrow();
  });

  it.each([
    ['the link', 'tool:*', 'rm', 1, `No grant of link 1 covers this tool. Ask ${organisation.did} for`],
    [
      'the anchor',
      'tool:fs/method:x',
      'read_file',
      0,
      `only the operator: the anchor of ${organisation.did}`,
    ],
  ])(
    'names %s that has no grant for the tool, and not whether it reads or writes',
    (_, scope, tool, link, hint) => {
      expect(() => checkToolInReach(capabilityUnder(scope), { server: 'fs', tool })).toThrow(
        expect.objectContaining({
          code: 'SCOPE_MISMATCH',
          data: expect.objectContaining({
            link,
            item: `tool:fs/method:${tool}`,
            hint: expect.stringContaining(hint),
          }),
        }),
      );
    },
  );
});
