import { randomBytes } from 'node:crypto';
import {
  type Anchors,
  createNonces,
  type DidResolver,
  encodeSessionId,
  isSessionMac,
  parseTalosAuthorization,
  TrustError,
  takesOf,
  type VerifiedCapability,
  verifyBearer,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { UnsureError } from '../../platform/unsure-error.js';
import type {
  AuditSink,
  Authenticated,
  CallHold,
  CallLedger,
  CallSpent,
  CredentialAuthority,
  GatewayDraft,
  SignedRequest,
} from '../admission/ports.js';
import { createTestProofs } from './proofs.js';

export const crypto = createNodeCrypto();

function createListeners() {
  const byLid = new Map<string, Set<() => void>>();
  return {
    add({ links }: VerifiedCapability, listener: () => void) {
      for (const { lid } of links) byLid.set(lid, (byLid.get(lid) ?? new Set()).add(listener));
      return () => {
        for (const { lid } of links) byLid.get(lid)?.delete(listener);
      };
    },
    call(lid: string) {
      for (const listener of [...(byLid.get(lid) ?? [])]) listener();
    },
  };
}

/** A small authority: real verification, sessions in a map, revocations in a set. */
export function createTestAuthority(
  gateway: string,
  anchors: Anchors,
  resolver: DidResolver,
  now: () => number,
) {
  const revoked = new Set<string>();
  const nonces = createNonces({ crypto, now: () => now() * 1000, random: (length) => randomBytes(length) });
  const state = { silent: false };
  const listeners = createListeners();
  const sessions = new Map<string, { key: Uint8Array; capability: VerifiedCapability; seen: Set<number> }>();
  const cached = new Map<string, Authenticated>();
  const context = () => ({
    now: now(),
    audience: gateway,
    anchors,
    isRevoked: (lid: string) => revoked.has(lid),
    resolver,
    crypto,
  });
  const live = (capability: VerifiedCapability, credential: Authenticated['credential']): Authenticated => ({
    capability,
    credential,
    assertLive: () => {
      if (state.silent) throw new TrustError('UNAVAILABLE', 'revocations have not been heard of');
      if (capability.links.some(({ lid }) => revoked.has(lid))) throw new TrustError('REVOKED', 'revoked');
    },
    onRevoked: (listener) => listeners.add(capability, listener),
  });
  const authority: CredentialAuthority = {
    peekSession(authorization) {
      const { sid, seq } = parseTalosAuthorization(authorization);
      const session = sessions.get(sid);
      if (session === undefined) throw new TrustError('SESSION_UNKNOWN', 'no such session');
      if (session.seen.has(seq)) throw new TrustError('REPLAY', 'seen');
    },
    authenticateSession(authorization, { method, target, headers, body }: SignedRequest) {
      const { sid, seq, rid, mac } = parseTalosAuthorization(authorization);
      const session = sessions.get(sid);
      if (session === undefined) throw new TrustError('SESSION_UNKNOWN', 'no such session');
      const fields = { sid, gateway, seq, rid, method, target, headers, bodyHash: crypto.sha256Hex(body) };
      if (!isSessionMac(mac, session.key, fields, crypto)) throw new TrustError('PROOF_INVALID', 'mac');
      if (session.seen.has(seq)) throw new TrustError('REPLAY', 'seen');
      session.seen.add(seq);
      const { capability } = session;
      return live(capability, { kind: 'session', cth: capability.cth, sid, seq, rid });
    },
    async authenticateBearer(key) {
      const known = cached.get(key);
      if (known !== undefined && !known.capability.links.some(({ lid }) => revoked.has(lid))) return known;
      const capability = await verifyBearer(key, context());
      const caller = live(capability, { kind: 'bearer', cth: capability.cth });
      cached.set(key, caller);
      return caller;
    },
    examineProof: createTestProofs({ gateway, context, live, consumeNonce: nonces.consume }),
  };
  return {
    authority,
    /** `silent`: the revocation feed is, once a credential was verified. */
    state,
    nonce: () => nonces.issue().nonce,
    revoke(lid: string) {
      revoked.add(lid);
      listeners.call(lid);
    },
    async openSession(chain: string) {
      const capability = await verifyCapability(chain, context());
      const random = new Uint8Array(16).fill(sessions.size + 1);
      const sid = encodeSessionId({ node: 1, boot: 1, slot: sessions.size, random });
      const key = new Uint8Array(32).fill(7);
      sessions.set(sid, { key, capability, seen: new Set() });
      return { sid, key };
    },
  };
}

export interface TestLedger extends CallLedger {
  readonly settled: CallSpent[];
  fault?: TrustError;
}

/** Counts in memory, and remembers what was settled; can be told to fail. */
export function createTestLedger(): TestLedger {
  const spent = new Map<string, number>();
  const ledger: TestLedger = {
    settled: [],
    async hold(capability, cost) {
      if (ledger.fault !== undefined) throw ledger.fault;
      const takes = takesOf(capability, cost);
      for (const { key, kind, link, amount, allowed } of takes) {
        const used = (spent.get(`${key} ${kind}`) ?? 0) + amount;
        if (used > allowed) throw new TrustError('BUDGET_EXCEEDED', 'not enough left', { link });
        spent.set(`${key} ${kind}`, used);
      }
      const isOpen = takes.some(({ kind }) => kind === 'cost' || kind === 'tokens');
      const settle: CallHold['settle'] = async (units, after) => {
        await after;
        ledger.settled.push(units);
      };
      return isOpen ? { warnings: [], settle } : undefined;
    },
  };
  return ledger;
}

/** Keeps events in a list; can be told to fail or to wait. */
export function createTestSink() {
  const events: GatewayDraft[] = [];
  const waiting = new Set<GatewayDraft>();
  const state: { fault?: TrustError; gate?: Promise<void>; isAnswerLost?: true } = {};
  const add = async (draft: GatewayDraft) => {
    if (state.gate !== undefined) {
      waiting.add(draft);
      await state.gate;
      waiting.delete(draft);
    }
    if (state.fault !== undefined) throw state.fault;
    const index = events.push(draft) - 1;
    if (state.isAnswerLost) throw new UnsureError('the database went away', undefined);
    return { id: draft.id, index };
  };
  const sink: AuditSink = {
    assertAccepting(op) {
      if (state.fault?.code === 'DISK_FULL' && op === 'read') return;
      if (state.fault !== undefined) throw state.fault;
    },
    record: add,
    recordDenial: add,
  };
  return { sink, events, state, waiting };
}
