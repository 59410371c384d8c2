import type { AuditEvent } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { createNodeCrypto } from '../node/crypto.js';
import { checkEventForm } from './event-form.js';
import { decisionEvent, gateway, makeChain, sequence, worker } from './testing/ledger.js';

const crypto = createNodeCrypto();
const HASH = 'A'.repeat(43);
const actor = { $c: 'cd'.repeat(32) };

function refusal(type: string, given: object, items?: unknown): string {
  const members = JSON.parse(JSON.stringify(given)) as object;
  const { event } = sequence([{ type, members } as Parameters<typeof sequence>[0][number]])[0]!;
  try {
    checkEventForm(event as AuditEvent, new Map(items === undefined ? [] : [['/items', items]]), crypto);
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
}

// AUD-22, AUD-86
describe('an event by itself', () => {
  const revoked = { lid: HASH, by: 'administrator', revocation: null, chain_hash: null };
  const below = {
    below: worker.did,
    as: 'subject',
    point: null,
    by: 'administrator',
    ...{ chain_hash: null },
  };
  const ended = { did: worker.did, by: 'log', statement: null };
  const rotated = { did: worker.did, successor: null, version: null, statement: null };

  it.each<[string, string, object]>([
    ['a revocation by an administrator', 'revocation', { ...revoked, actor }],
    ['one by its issuer', 'revocation', { ...revoked, by: 'issuer', chain_hash: HASH }],
    ['one below a DID', 'revocation.below', { ...below, actor }],
    ['one below a link', 'revocation.below', { ...below, by: 'issuer', chain_hash: HASH, point: HASH }],
    ['an end', 'identity.deactivated', ended],
    ['a change of keys', 'identity.rotated', rotated],
    ['what has nothing to be checked', 'policy.loaded', { policy: 'ab'.repeat(32) }],
  ])('may be %s', (_, type, members) => {
    expect(refusal(type, members)).toBe('taken');
  });

  it.each<[string, string, object, string]>([
    [
      'one who signed and had it done',
      'revocation',
      { ...revoked, by: 'issuer', chain_hash: HASH, actor },
      'signs',
    ],
    ['one who signed without a chain', 'revocation', { ...revoked, by: 'issuer' }, 'without a chain'],
    ['an administrator with a chain', 'revocation', { ...revoked, chain_hash: HASH }, 'without a chain'],
    [
      'an issuer below no link',
      'revocation.below',
      { ...below, by: 'issuer', chain_hash: HASH },
      'below no link',
    ],
    ['an end that nobody stated', 'identity.deactivated', { ...ended, by: 'identity' }, 'states so'],
    [
      'a successor that nobody named',
      'identity.rotated',
      { ...rotated, successor: gateway.did },
      'a successor',
    ],
  ])('is not by %s', (_, type, members, why) => {
    expect(refusal(type, members)).toContain(why);
  });

  it.each<[object, string]>([
    [{ kind: 'session', seq: undefined }, 'its session and number'],
    [{ kind: 'session', sid: undefined }, 'its session and number'],
    [{ kind: 'proof', sid: undefined, seq: undefined }, 'without the proof'],
    [{ kind: 'signature', sid: undefined, seq: undefined }, 'without the proof'],
    [{ kind: 'bearer', sid: undefined, seq: undefined }, 'taken'],
    [{}, 'taken'],
  ])('is a call that says what it was made with: %j', (credential, why) => {
    const { members } = decisionEvent(makeChain(), { credential });
    expect(refusal('decision', members)).toContain(why);
  });

  it.each<[object, string]>([
    [{ action: { method: 'tools/call', server: 'fs' } }, 'no scope can hold'],
    [{ action: { method: 'tools/call', tool: 'read_text_file' } }, 'no scope can hold'],
    [{ action: { method: 'tools/call', server: 'fs', tool: 'e\u0301' } }, 'no scope can hold'],
    [{ surface: 'llm', pin: null, action: { method: 'responses', provider: 'p' } }, 'no scope can hold'],
    [{ surface: 'llm', pin: null, action: { method: 'responses', model: 'm' } }, 'no scope can hold'],
    [{ surface: 'llm', pin: null, action: { method: 'responses', provider: 'p', model: 'm' } }, 'taken'],
  ])('is a call of what it names: %j', (given, why) => {
    const { members } = decisionEvent(makeChain(), { members: given });
    expect(refusal('decision', members)).toContain(why);
  });

  it.each<[unknown, string]>([
    [[{ scope: 'tool:fs/method:read_text_file/resource:/a', op: 'read' }], 'taken'],
    [[{ scope: 'tool:fs/method:write_file', op: 'read' }], 'another tool'],
    [[{ scope: 'tool:fs/method:read_text_file', op: 'look' }], 'malformed'],
    [[], 'no list of some'],
    ['read', 'no list of some'],
  ])('is a call of items of what it names: %j', (items, why) => {
    const { members } = decisionEvent(makeChain());
    expect(refusal('decision', members, items)).toContain(why);
    expect(refusal('decision', { ...members, effect: 'deny', code: 'EXPIRED', pin: null }, items)).toBe(
      'taken',
    );
  });
});
