import { readFile, writeFile } from 'node:fs/promises';
import type { PolicyDocument, TrustAnchor } from '@talosprotocol/contracts';
import { parseTrustFile, type TrustError, verifyBundle } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProvenDenial } from '../support/evidence.js';
import { callOnce } from '../support/mcp-clients.js';
import { keyOf } from '../support/own-platforms.js';
import { type Cast, castOf, crypto, openWorld, type World } from '../support/world.js';

let world: World;
let cast: Cast;

beforeAll(async () => {
  world = await openWorld();
  cast = await castOf(world, world.files);
});
afterAll(() => world?.close());

/** What an operator does: edits the anchors in talos.yaml and reloads. */
async function setAnchors(change: (anchor: TrustAnchor) => TrustAnchor[]): Promise<void> {
  const document = JSON.parse(await readFile(world.ready.config, 'utf8')) as PolicyDocument;
  const anchors = (document.anchors ?? []).flatMap(change);
  await writeFile(world.ready.config, JSON.stringify({ ...document, anchors }));
  await world.gateway.reloadPolicy();
}

const read = () =>
  callOnce(world.ready.gateway, { key: keyOf(cast) }, 'files__read_text_file', { path: world.files.guide });
const list = () =>
  callOnce(world.ready.gateway, { key: keyOf(cast) }, 'files__list_directory', { path: world.files.docs });

// AUD-19, AUD-22
describe('evidence after talos.yaml changed', () => {
  it('stays proven when an anchor is narrowed and when it is removed', async () => {
    expect(await read()).toEqual({ text: '# Guide\n' });
    expect((await list()).denial).toBeUndefined();

    const scope = 'tool:files/method:read_text_file';
    await setAnchors((anchor) => [{ ...anchor, grants: [{ scope, ops: ['read'] }] }]);
    expect(await read()).toEqual({ text: '# Guide\n' });
    const { denial } = await list();
    expect(denial).toMatchObject({ code: 'SCOPE_MISMATCH', link: 0 });

    await setAnchors((anchor) => [{ ...anchor, bearerMax: 0 }]);
    expect((await read()).denial).toMatchObject({ code: 'DELEGATION_INVALID' });
    await setAnchors(() => []);
    expect((await read()).denial).toMatchObject({ code: 'UNTRUSTED_ISSUER' });

    await expectProvenDenial(world, denial!);
    const bytes = await world.audit.bundle();
    const file = await world.audit.trust();
    const trusting = (change: object) =>
      parseTrustFile(Buffer.from(JSON.stringify({ ...file, ...change })), crypto);
    const { counts, from } = verifyBundle(bytes, trusting({}), crypto);
    expect({ ...counts, from }).toMatchObject({ from: 0, allowed: 3, recomputed: 3, unchecked: 0 });
    expect(file.anchors).toEqual([]);
    expect(() => verifyBundle(bytes, trusting({ policies: [] }), crypto)).toThrow(/UNTRUSTED_ISSUER/);
  });
});

describe('a talos.yaml with a fault', () => {
  it('is refused with the key and the line, and what was in force stays', async () => {
    const before = await readFile(world.ready.config, 'utf8');
    await writeFile(world.ready.config, `version: 1\nservers: {}\nsurprise: 1\n`);
    const fault = await world.gateway.reloadPolicy().catch((error: TrustError) => error);
    expect(fault).toMatchObject({ code: 'MALFORMED' });
    const { reason, hint } = (fault as TrustError).data;
    expect(`${reason} ${hint}`).toMatch(/line 3\b.*surprise|surprise.*line 3\b|:3\b.*surprise/s);
    await writeFile(world.ready.config, before);
    await world.gateway.reloadPolicy();
  });
});
