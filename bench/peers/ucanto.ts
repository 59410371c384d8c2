/** `@ucanto`: one delegation, read from its archive, and claimed against a capability of the same shape. */
import { Delegation } from '@ucanto/core';
import { ed25519, Verifier } from '@ucanto/principal';
import { capability, claim, fail, ok, Schema } from '@ucanto/validator';
import { AGENTS, folderPath, mixContender, type PeerCall } from './mix.js';
import { servePeer } from './peer-process.js';

const owner = await ed25519.generate();
const archives: Uint8Array[] = [];
for (let session = 0; session < AGENTS; session += 1) archives.push(await issue(session));
const forged = Uint8Array.from(archives[0] as Uint8Array);
// Within the signature, which is the last member of the encoded delegation.
const at = indexOfSignature(forged);
forged[at] = (forged[at] as number) ^ 1;

async function issue(session: number): Promise<Uint8Array> {
  const delegation = await Delegation.delegate({
    issuer: owner,
    audience: await ed25519.generate(),
    capabilities: [{ can: 'file/read', with: owner.did(), nb: { path: folderPath(session) } }],
    expiration: Math.floor(Date.now() / 1000) + 3600,
  });
  const { ok: archive, error } = await delegation.archive();
  if (archive === undefined) throw error;
  return archive;
}

const read = capability({
  can: 'file/read',
  with: Schema.did(),
  nb: Schema.struct({ path: Schema.string() }),
  // The cast: its result type states `undefined` members, which exactOptionalPropertyTypes takes for others.
  derives: (claimed, delegated) =>
    (claimed.nb.path === delegated.nb.path ? ok({}) : fail('another path')) as never,
});

async function decide({ session, operation, path, forged: isForged }: PeerCall): Promise<boolean> {
  if (operation !== 'read') return false;
  const { ok: delegation } = await Delegation.extract(isForged ? forged : (archives[session] as Uint8Array));
  if (delegation === undefined) return false;
  const { ok: granted } = await claim(read, [delegation], {
    authority: owner,
    principal: Verifier,
    validateAuthorization: () => ({ ok: {} }),
  });
  return granted !== undefined && path.startsWith(`${granted.capability.nb.path}/`);
}

/** The bytes of the signature, after their multicodec, in the archive. */
function indexOfSignature(archive: Uint8Array): number {
  const text = Buffer.from(archive);
  return text.indexOf(Buffer.from([0xed, 0xa1, 0x03])) + 8;
}

/** A signature that is no point of the curve is not answered but thrown. */
await servePeer(mixContender('ucanto', (call) => decide(call).catch(() => false)));
