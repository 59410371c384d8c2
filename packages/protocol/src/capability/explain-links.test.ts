import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/index.js';
import { authorize, explainLinks } from './authorize.js';
import { issueCapability } from './issue.js';
import { parseItems } from './items.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';
import { verifyCapabilityAsOf } from './verify.js';

const world = createWorld(createNodeCrypto());

// CAP-20
describe('explainLinks', () => {
  const { agent, crypto, deps, gateway, organisation } = world;
  const options = { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 60 };
  const chain = issueCapability(options, organisation, deps);
  const capability = verifyCapabilityAsOf(chain, { time: NOW, anchors: world.anchors({}), crypto });

  it('says of each link whether it allows, and the first that denies is what authorize answers', () => {
    const inside = parseItems([{ scope: `${READ_DOCS.scope}/a`, op: 'read' }]);
    expect(explainLinks(capability, inside, {}).map(({ effect }) => effect)).toEqual(['allow', 'allow']);
    const outside = parseItems([{ scope: 'tool:fs/method:write_file', op: 'write' }]);
    const said = explainLinks(capability, outside, {});
    expect(said.map(({ effect }) => effect)).toEqual(['allow', 'deny']);
    expect(said[1]).toEqual(authorize(capability, outside, {}));
  });

  it('says nothing of a call without items', () => {
    expect(explainLinks(capability, [], {})).toEqual([]);
  });
});
