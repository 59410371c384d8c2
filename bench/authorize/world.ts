import { randomBytes } from 'node:crypto';
import {
  type Anchors,
  attenuate,
  createDidResolver,
  createSigner,
  encodeDidKey,
  isEd25519PublicKey,
  issueCapability,
  type ParsedChain,
  parseAnchors,
  type Signer,
  type VerifyContext,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { folderOf, scopeOfFolder } from './calls.js';

export const crypto = createNodeCrypto();
export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
export const seconds = (): number => Math.floor(Date.now() / 1000);

/** Unix seconds, read anew at every 64th call: a server reads the clock once in a turn of its event loop, in which it
 *  answers what has come in, and `Date.now` takes as long as the rest of a decision. */
export function turnClock(): (call: number) => number {
  let now = seconds();
  return (call) => {
    if ((call & 63) === 0) now = seconds();
    return now;
  };
}

/** A gateway and an organisation it trusts. */
export interface World {
  readonly gateway: string;
  readonly organisation: Signer;
  readonly anchors: Anchors;
  /** Links that were revoked: none of those in use, so that each look-up is a miss, as nearly all are. */
  readonly revoked: ReadonlySet<string>;
  readonly context: () => VerifyContext;
}

export function createWorld(): World {
  const organisation = createSigner(random(32), crypto);
  const gateway = createSigner(random(32), crypto).did;
  const grants = [{ scope: 'tool:*', ops: ['read', 'write'] }];
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'default', grants }], crypto);
  const revoked = new Set(Array.from({ length: 1000 }, () => randomBytes(32).toString('base64url')));
  const resolver = createDidResolver({ now: seconds });
  const isRevoked = (lid: string): boolean => revoked.has(lid);
  return {
    gateway,
    organisation,
    anchors,
    revoked,
    context: () => ({ now: seconds(), audience: gateway, anchors, isRevoked, resolver, crypto }),
  };
}

export interface ChainShape {
  /** Grants of the last link; the one that matters comes last. */
  readonly grants?: number;
  readonly links?: number;
}

const deps = { crypto, now: seconds, randomBytes: random };

/** A capability to read one folder, for a holder of its own. */
export function issueFor(world: World, session: number, shape: ChainShape = {}): ParsedChain {
  const { links = 1 } = shape;
  const holders = Array.from({ length: links - 1 }, () => createSigner(random(32), crypto));
  const subs = [...holders.map(({ did }) => did), someDid()];
  const terms = { grants: grantsFor(session, shape.grants ?? 1), exp: seconds() + 3600 };
  const root = { ...terms, sub: subs[0] as string, aud: [world.gateway], prn: 'user:bench', dlg: links - 1 };
  let chain = issueCapability(root, world.organisation, deps);
  for (const [index, holder] of holders.entries()) {
    const link = { ...terms, sub: subs[index + 1] as string, dlg: links - 2 - index };
    chain = attenuate(chain, link, holder, deps);
  }
  return chain;
}

function grantsFor(session: number, count: number): { scope: string; ops: ['read'] }[] {
  const others = Array.from({ length: count - 1 }, (_, index) => `tool:fs/method:other_tool_${index}`);
  return [...others, scopeOfFolder(folderOf(session))].map((scope) => ({ scope, ops: ['read'] }));
}

/** The DID of somebody whose key is never needed. */
function someDid(): string {
  for (;;) {
    const publicKey = random(32);
    if (isEd25519PublicKey(publicKey)) return encodeDidKey(publicKey);
  }
}
