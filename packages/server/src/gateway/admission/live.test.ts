import {
  createDidResolver,
  createSigner,
  issueCapability,
  parseAnchors,
  TrustError,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import type { Call } from './call.js';
import { assertLive, watch } from './live.js';
import type { Authenticated } from './ports.js';
import { provableTimes } from './provable-times.js';

const crypto = createNodeCrypto();
const NOW = 1_800_000_000;

async function caller(exp: number): Promise<Authenticated> {
  const organisation = createSigner(new Uint8Array(32).fill(1), crypto);
  const grants = [{ scope: 'tool:fs', ops: ['read' as const] }];
  const deps = { crypto, now: () => NOW, randomBytes: (length: number) => new Uint8Array(length) };
  const options = { sub: organisation.did, aud: [organisation.did], grants, exp };
  const capability = await verifyCapability(issueCapability(options, organisation, deps).chain, {
    now: NOW,
    audience: organisation.did,
    anchors: parseAnchors([{ iss: organisation.did, tenant: 'default', grants }], crypto),
    isRevoked: () => false,
    resolver: createDidResolver({ now: () => NOW }),
    crypto,
  });
  const credential = { kind: 'bearer', cth: capability.cth } as const;
  return { capability, credential, assertLive: () => undefined, onRevoked: () => () => undefined };
}

describe('assertLive', () => {
  it('AUD-22 lets no call in so late that its event could be stamped after the end of the credential', async () => {
    const held = await caller(NOW + 60);
    const at = (seconds: number) => () =>
      assertLive({ clock: { now: () => seconds * 1000, monotonic: () => 0 } }, held, {
        op: 'read',
      } as Call<unknown>);
    expect(at(NOW + 69)).not.toThrow();
    for (const late of [70, 89, 90, 1000]) expect(at(NOW + late)).toThrow('has expired');
  });
});

describe('provableTimes', () => {
  it('AUD-22 are those of the links with 30 s, and of the session with 60 s', async () => {
    const held = await caller(NOW + 600);
    expect(provableTimes(held)).toEqual({ notBefore: (NOW - 30) * 1000, notAfter: (NOW + 630) * 1000 });
    const until = (sessionEnds: number) => provableTimes({ ...held, sessionEnds }).notAfter;
    expect([until(NOW + 100), until(NOW + 600)]).toEqual([(NOW + 160) * 1000, (NOW + 630) * 1000]);
  });
});

describe('watch', () => {
  /** What a call is told whose credential, asked again, answers so. */
  async function toldBy(dies: () => void): Promise<unknown> {
    let revoke = (): void => undefined;
    const held = await caller(NOW + 60);
    const { reason, signal, end } = watch(
      {
        ...held,
        assertLive: dies,
        onRevoked: (listener) => {
          revoke = listener;
          return () => undefined;
        },
      },
      { op: 'write', cancelled: undefined },
    );
    expect([reason(), signal.aborted]).toEqual([undefined, false]);
    revoke();
    expect(signal.reason).toBe(reason());
    end();
    return reason();
  }

  it('DEC-13 tells what ended the credential, and that it was revoked if it does not say', async () => {
    const data = { link: 2, hint: 'Ask the issuer for a new one.' };
    const ended = new TrustError('REVOKED', 'the link was revoked', data);
    const dies = (error?: TrustError) => () => {
      if (error !== undefined) throw error;
    };
    expect(await toldBy(dies(ended))).toBe(ended);
    for (const other of [undefined, new TrustError('UNAVAILABLE', 'the feed is silent')])
      expect(await toldBy(dies(other))).toMatchObject({
        code: 'REVOKED',
        data: { reason: 'the credential was revoked during the call' },
      });
  });
});
