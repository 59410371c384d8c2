import type { Grant } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { isTrustError } from '../error.js';
import {
  chainEvent,
  type Draft,
  decisionEvent,
  exportBundle,
  makeChain,
  nextId,
  organisation,
  type Sequenced,
  sequence,
  sessionEvent,
  trustFile,
  worker,
} from './testing/ledger.js';
import { exportSelection, type SelectionOptions } from './testing/selection.js';
import { parseTrustFile } from './trust-file.js';
import { verifyBundle } from './verify-bundle.js';

const grants: Grant[] = [{ scope: 'llm:*', ops: ['write'] }];
const chain = makeChain({ root: { grants }, grants });
const trust = parseTrustFile(
  trustFile({ anchors: [{ iss: organisation.did, tenant: 'default', grants }] }),
  crypto,
);
const RID = '0198f000-0000-7000-8000-0000000000ab';
const SESSION = { seq: 7, rid: RID };

interface Change {
  readonly model?: string;
  readonly credential?: object;
  readonly members?: object;
  readonly items?: readonly object[];
}

/** A call of a model in one session, all under one number; `after` the one before it. */
function attempt(
  after: Draft | undefined,
  { model = 'one', credential = {}, members = {}, items }: Change = {},
): Draft {
  const id = nextId('evt');
  const decision = decisionEvent(chain, {
    credential: { ...SESSION, ...credential },
    items: items ?? [{ scope: `llm:openai/model:${model}`, op: 'write' }],
    members: {
      request: 'req_0198f000-0000-7000-8000-0000000000aa',
      surface: 'llm',
      action: { method: 'chat/completions', provider: 'openai', model, op: 'write' },
      pin: null,
      ...(after === undefined ? {} : { after: after.forge?.['id'] }),
      ...members,
    },
  });
  return { ...decision, forge: { id } };
}

function outcome({ members: { request }, forge }: Draft, status: string): Draft {
  const members = { request, decision: forge?.['id'], status, response_hash: null };
  return { type: 'outcome', sub: worker.did, members };
}

const BEGIN = [chainEvent(chain), sessionEvent(chain)];

function say(bundle: Uint8Array): string {
  try {
    return `${verifyBundle(bundle, trust, crypto).counts.allowed} allowed`;
  } catch (error) {
    if (!isTrustError(error) || error.code !== 'PROOF_NOT_PROVEN') throw error;
    return `${error.data.caveat}: ${error.data.reason}`;
  }
}

const told = (...drafts: readonly Draft[]): string =>
  say(exportBundle(sequence(JSON.parse(JSON.stringify([...BEGIN, ...drafts])))));

describe('a call that goes on from another one (AUD-128)', () => {
  const first = attempt(undefined);
  const second = attempt(first, { model: 'two' });
  const third = attempt(second, { model: 'three' });

  it('uses what the first was made with, and is proven with it, however late its end is recorded', () => {
    expect(told(first, second, third)).toBe('3 allowed');
    expect(told(first, outcome(first, 'failed'), second, outcome(second, 'lost'), third)).toBe('3 allowed');
    expect(told(first, second, outcome(second, 'completed'), outcome(first, 'failed'))).toBe('2 allowed');
  });

  it('may be the last, and refused', () => {
    const denied = attempt(first, { model: 'two', members: { effect: 'deny', code: 'BUDGET_EXCEEDED' } });
    expect(told(first, denied)).toBe('1 allowed');
    expect(told(first, denied, attempt(first, { model: 'three' }))).toMatch(/one that another went on from$/);
    expect(told(first, denied, attempt(denied, { model: 'three' }))).toMatch(/never shown as allowed$/);
  });

  it.each<[string, readonly Draft[], string]>([
    [
      'says so of nothing',
      [first, attempt(undefined, { model: 'two' })],
      'number 7 of a session is used twice',
    ],
    ['names what is not there', [second], 'one that was never shown as allowed'],
    ['names what comes later', [second, first], 'one that was never shown as allowed'],
    ['asks the same model', [first, attempt(first)], 'one of the same model'],
    ['asks a model of before', [first, second, attempt(second)], 'one of the same model'],
    ['names what has been left', [first, second, attempt(first, { model: 'three' })], 'another went on from'],
    ['names what was completed', [first, outcome(first, 'completed'), second], 'one that was completed'],
    ['names what is completed later', [first, second, outcome(first, 'completed')], 'one that was completed'],
    [
      'is made with another number',
      [first, attempt(first, { model: 'two', credential: { seq: 8 } })],
      'one of another request',
    ],
    [
      'is another logical call',
      [first, attempt(first, { model: 'two', credential: { rid: RID.replace('ab', 'ac') } })],
      'one of another request',
    ],
    [
      'is of another request',
      [first, attempt(first, { model: 'two', members: { request: nextId('req') } })],
      'one of another request',
    ],
    [
      'is of another route',
      [
        first,
        attempt(first, {
          members: { action: { method: 'responses', provider: 'openai', model: 'two', op: 'write' } },
          model: 'two',
        }),
      ],
      'one of another request',
    ],
    [
      'has a key, which needs none',
      [
        attempt(undefined),
        attempt(first, { credential: { kind: 'bearer', sid: undefined, seq: undefined } }),
      ],
      'of which it has no need',
    ],
    [
      'is no call of a model',
      [
        first,
        attempt(first, {
          members: {
            surface: 'mcp',
            pin: 'ab'.repeat(32),
            action: { method: 'tools/call', server: 'fs', tool: 'read_text_file', op: 'read' },
          },
        }),
      ],
      'of which it has no need',
    ],
    [
      'proved nothing',
      [
        first,
        attempt(first, {
          credential: { cth: undefined },
          members: { effect: 'deny', code: 'PROOF_INVALID' },
        }),
      ],
      'of which it has no need',
    ],
  ])('is not proven if it %s', (_, drafts, reason) => {
    expect(told(...drafts)).toMatch(new RegExp(`${reason}$`));
  });

  it('is one of as many as a name has models', () => {
    const line = [attempt(undefined, { model: 'm0' })];
    for (let at = 1; at < 8; at += 1) line.push(attempt(line.at(-1), { model: `m${at}` }));
    expect(told(...line)).toBe('8 allowed');
    expect(told(...line, attempt(line.at(-1), { model: 'm8' }))).toMatch(/more models than an alias has$/);
  });

  describe('under a rid, which is for one write', () => {
    const at = (provider: string, model: string, op = 'write') => ({
      model,
      members: { action: { method: 'chat/completions', provider, model, op } },
      items: [{ scope: `llm:${provider}/model:${model}`, op }],
    });
    const again = attempt(undefined, {
      ...at('other', 'two'),
      credential: { seq: 8 },
      members: { ...at('other', 'two').members, request: nextId('req') },
    });
    const elsewhere = attempt(first, at('other', 'two'));

    it('uses it up at the provider to which it goes on, too', () => {
      expect(told(first, elsewhere)).toBe('2 allowed');
      expect(told(first, elsewhere, again)).toMatch(/dispatched twice under one rid$/);
      expect(told(again, first, elsewhere)).toMatch(/dispatched twice under one rid$/);
      const back = attempt(elsewhere, { model: 'three' });
      expect(told(first, elsewhere, back)).toBe('3 allowed');
    });
  });

  describe('in a part of the log', () => {
    const log: Sequenced[] = sequence([...BEGIN, first, outcome(first, 'failed'), second, third]);
    const part = (options: SelectionOptions) => say(exportSelection(log, options));

    it('must be shown with the one before it (AUD-54)', () => {
      expect(part({ from: 4, to: 6, show: [0, 1, 2, 4, 5] })).toBe('2 allowed');
      expect(part({ from: 4, to: 6, show: [0, 1, 4, 5] })).toMatch(/never shown as allowed$/);
      // Of what stands outside of the range nothing is asked.
      expect(part({ from: 5, to: 6, show: [0, 1, 4, 5] })).toBe('1 allowed');
    });
  });
});
