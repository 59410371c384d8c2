import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';

const source = (path: string): string => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));

let code: string;
let external: readonly string[];

beforeAll(async () => {
  const bundle = await rolldown({
    input: source('protocol/src/index.ts'),
    platform: 'browser',
    resolve: { alias: { '@talosprotocol/contracts': source('contracts/src/index.ts') } },
  });
  const { output } = await bundle.generate({
    format: 'iife',
    name: 'talos',
    codeSplitting: false,
    minify: true,
  });
  await bundle.close();
  expect(output).toHaveLength(1);
  code = output[0].code;
  external = output[0].imports;
});

/** A realm with the language and three web globals: no Node, no network, and no eval, as under a strict CSP. */
function openRealm(): vm.Context {
  const globals = { TextEncoder, TextDecoder, URL };
  const realm = vm.createContext(globals, { codeGeneration: { strings: false, wasm: false } });
  vm.runInContext(code, realm);
  return realm;
}

// What a page of a browser does with it: everything an agent and an auditor need, on the portable crypto.
const JOB = `
(async () => {
  const p = talos;
  const crypto = p.portableCrypto;
  let count = 0;
  const randomBytes = (length) => new Uint8Array(length).fill((count += 1));
  const NOW = 1790000000;
  const deps = { crypto, now: () => NOW, randomBytes };
  const [organisation, agent, gateway, exporter] = [1, 2, 3, 4].map((n) => p.createSigner(new Uint8Array(32).fill(n), crypto));
  const root = p.issueCapability({
    sub: agent.did, aud: [gateway.did], exp: NOW + 3600, dlg: 1, bearer_below: true,
    grants: [{ scope: 'tool:files/method:*/resource:/docs', ops: ['read'] }],
  }, organisation, deps);
  const key = p.attenuateToBearer(root, {
    aud: 'same', exp: NOW + 900,
    grants: [{ scope: 'tool:files/method:read/resource:/docs', ops: ['read'], where: [{ ptr: '/path', op: 'within', value: '/docs' }] }],
  }, agent, deps);
  const anchor = { iss: organisation.did, tenant: 'default', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] };
  const context = {
    now: NOW, audience: gateway.did, anchors: p.parseAnchors([anchor], crypto), isRevoked: () => false,
    resolver: p.createDidResolver({ now: () => NOW }), crypto,
  };
  const verified = await p.verifyBearer(key, context);
  const manifest = p.parseManifest({ op: 'read', resources: [{ ptr: '/path', kind: 'path', required: true }] });
  const decide = (path) => {
    const args = { path };
    return p.authorize(verified, p.itemsOfCall({ server: 'files', tool: 'read', manifest, arguments: args }), args);
  };
  const decisions = ['/docs/a', '/private/b'].map(decide);
  const at = key.lastIndexOf('.') + 10;
  const forged = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1);
  const refused = await p.verifyBearer(forged, context).then(() => 'accepted', (error) => error.code);

  const origin = 'talos.test/browser/default';
  const hasher = p.createTreeHasher(crypto.sha256);
  const event = {
    v: 1, id: 'evt_01890000-0000-7000-8000-000000000001', time: p.formatTime(NOW * 1000), type: 'log.opened', origin,
    tenant: 'default', emitter: gateway.did, eseq: 1, prev: null, principal: null, boot: 1, policy: 'ab'.repeat(32), size: 0,
  };
  const second = {
    ...event, id: 'evt_01890000-0000-7000-8000-000000000002', type: 'chain', eseq: 2, prev: p.eventHash(event, crypto),
    cth: root.cth, chain: root.chain,
  };
  for (const member of ['boot', 'policy', 'size']) delete second[member];
  const events = [event, second];
  const leaves = events.map((one) => hasher.leaf(p.eventBytes(one)));
  const read = ({ level, index }) => p.rootOf(hasher, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  const entries = events.map((one, index) => ({
    index, event: one, disclosures: [],
    proof: p.makeProof(hasher, read, p.planInclusion(index, leaves.length)).map(p.encodeBase64url),
  }));
  const note = p.createNoteSigner(crypto.sha256, { name: origin, publicKey: gateway.publicKey, sign: gateway.sign });
  const checkpoint = p.signCheckpoint({ origin, size: 2, root: p.rootOf(hasher, leaves), extensions: [] }, [note]);
  const bytes = p.signBundle({ format: 'talos-bundle-v1', checkpoint, range: { from: 0, to: 2 }, entries }, NOW, exporter, crypto);
  const trust = p.parseTrustFile(p.encodeUtf8(JSON.stringify({
    format: 'talos-trust-v1', logs: [{ origin, vkey: p.formatVerifierKey(crypto.sha256, origin, gateway.publicKey) }],
    exporters: [exporter.did], emitters: [gateway.did], anchors: [anchor],
  })), crypto);
  const report = p.verifyBundle(bytes, trust, crypto);
  const flipped = bytes.slice();
  flipped[bytes.length >> 1] ^= 1;
  let tampered = 'accepted';
  try { p.verifyBundle(flipped, trust, crypto); } catch (error) { tampered = error.code; }
  return JSON.stringify({ decisions, refused, size: report.size, tampered });
})()`;

describe('the protocol, bundled for a browser', () => {
  it('imports nothing and asks for nothing of Node', () => {
    expect(external).toEqual([]);
    // A module of Node, not the permission `node:read`.
    expect(code).not.toMatch(/(?:from|import|require)\s*\(?\s*["'`]node:/);
    expect(code).not.toMatch(/\brequire\s*\(/);
    // Free identifiers only: noble has methods called `process`.
    expect(code).not.toMatch(/(?<![.\w$])(?:Buffer|process|global)\s*[.[]/);
    expect(code).not.toMatch(/typeof (?:Buffer|process|require|global)\b/);
  });

  it('needs no more than the language, TextEncoder, TextDecoder and URL', async () => {
    const realm = openRealm();
    expect(vm.runInContext('typeof process + typeof Buffer + typeof require + typeof fetch', realm)).toBe(
      'undefined'.repeat(4),
    );
    const result = JSON.parse((await vm.runInContext(JOB, realm)) as string);
    expect(result).toMatchObject({
      decisions: [{ effect: 'allow' }, { effect: 'deny', code: 'SCOPE_MISMATCH', link: 1 }],
      refused: 'SIGNATURE_INVALID',
      size: 2,
      tampered: 'PROOF_NOT_PROVEN',
    });
  });
});
