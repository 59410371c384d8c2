import type { IssueCapabilityRequest } from '@talosprotocol/contracts';
import { createSigner, formatBearerKey } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { writePrivateFile } from './bounded-file.js';
import type { Io } from './io.js';
import { openPrivateFolder } from './place.js';
import type { Platform } from './platform.js';

/** How often a key that a person is given can be narrowed further. */
const DELEGATIONS = 3;

/** Has the platform issue a bearer key that can be narrowed, and keeps it in `<data>/bearer/<name>.txt`, mode 0600. The seed is made here
 *  and the key put together here: the platform only signs for its DID. */
export async function issueBearerFile(
  io: Io,
  { kernel, data }: Platform,
  name: string,
  { seconds, ...claims }: Pick<IssueCapabilityRequest, 'grants' | 'limits'> & { readonly seconds: number },
): Promise<{ readonly key: string; readonly file: string }> {
  const seed = io.random(32);
  const { chain } = await kernel.issueCapability({
    ...claims,
    sub: createSigner(seed, createNodeCrypto()).did,
    exp: Math.floor(io.now() / 1000) + seconds,
    bearer: true,
    bearer_below: true,
    dlg: DELEGATIONS,
  });
  const key = formatBearerKey(chain, seed);
  const folder = await openPrivateFolder(data, 'bearer', io);
  return { key, file: await writePrivateFile(io, `${folder}/${name}.txt`, `${key}\n`) };
}
