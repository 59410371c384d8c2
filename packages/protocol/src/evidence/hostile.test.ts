import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalize } from '../encoding/jcs.js';
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { createNoteSigner } from '../log/note-key.js';
import { createNodeCrypto } from '../node/index.js';
import { parseBundle } from './bundle.js';
import { eventBytes } from './event.js';
import { createReceipt, parseReceipt, verifyReceipt } from './receipt.js';
import {
  chainEvent,
  decisionEvent,
  exportBundle,
  makeChain,
  ORIGIN,
  sequence,
  sessionEvent,
  signerOf,
  trustFile,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { inspectBundle, verifyBundle } from './verify-bundle.js';

const crypto = createNodeCrypto();
const trustBytes = trustFile();
const trust = parseTrustFile(trustBytes, crypto);
const chain = makeChain({ calls: 3 });
const events = sequence([chainEvent(chain), sessionEvent(chain), decisionEvent(chain), decisionEvent(chain)]);
const bundle = exportBundle(events);
const receipt = makeReceipt();

function makeReceipt(): Uint8Array {
  const [{ event, disclosures }] = sequence([decisionEvent(chain)]) as [(typeof events)[number]];
  const hasher = createTreeHasher(crypto.sha256);
  const { publicKey, sign } = signerOf(6);
  const note = createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey, sign });
  const root = hasher.leaf(eventBytes(event));
  const checkpoint = signCheckpoint({ origin: ORIGIN, size: 1, root, extensions: [] }, [note]);
  return canonicalBytes(createReceipt(event, disclosures, { index: 0, proof: [], checkpoint }));
}

/** True for a value, false for a TrustError; anything else that is thrown fails the test. */
function isAccepted(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}

/** Some bytes in the middle replaced, removed or added. */
const mutatedBytes = (good: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .record({ at: fc.nat(good.length), cut: fc.nat(8), put: fc.uint8Array({ maxLength: 8 }) })
    .map(({ at, cut, put }) => Uint8Array.from([...good.slice(0, at), ...put, ...good.slice(at + cut)]))
    .filter((bytes) => !isSame(bytes, good));

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Every place in a JSON value, the whole included. */
function placesOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  const inner = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([name, member]) => placesOf(member as Json, [...path, name]))];
}

/** The value with what is at one place changed; `undefined` removes it. */
function changeAt(value: Json, path: readonly string[], change: (old: Json) => Json | undefined): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return change(value);
  const copy: Record<string, unknown> = { ...(value as Record<string, Json>) };
  copy[name] = changeAt((value as Record<string, Json>)[name] as Json, rest, change);
  if (copy[name] === undefined) delete copy[name];
  return Array.isArray(value) ? Object.values(copy) : copy;
}

const HOSTILE: readonly Json[] = [
  null,
  true,
  '',
  '~',
  '..',
  '\u0000',
  '__proto__',
  'a'.repeat(70_000),
  -1,
  0,
  2 ** 53 - 1,
  [],
  {},
  [[]],
  JSON.parse('{"__proto__":{"a":1},"constructor":null}') as Json,
];

/** One member somewhere replaced by what does not belong there, removed, doubled, or changed a little. */
function mutatedJson(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const value = JSON.parse(decodeUtf8(good)) as Json;
  const change = fc.oneof(
    fc.constantFrom(...HOSTILE).map((put) => () => put),
    fc.constant(() => undefined),
    fc.constant((old: Json) => [old, old]),
    fc.nat(400).map((at) => (old: Json) => nudge(old, at)),
    fc.jsonValue({ maxDepth: 2 }).map((put) => () => put as Json),
  );
  return fc
    .tuple(fc.constantFrom(...placesOf(value)), change)
    .map(([path, how]) => changeAt(value, path, how) ?? null)
    .map((changed) => encodeUtf8(write(changed)))
    .filter((bytes) => !isSame(bytes, good));
}

/** As a careful attacker writes it: canonical, so that it is not refused for its layout. */
function write(value: unknown): string {
  try {
    return canonicalize(value);
  } catch {
    return JSON.stringify(value);
  }
}

function nudge(old: Json, at: number): Json {
  if (typeof old === 'number') return old + 1;
  if (typeof old !== 'string' || old === '') return !old;
  const place = at % old.length;
  return `${old.slice(0, place)}${old[place] === 'A' ? 'B' : 'A'}${old.slice(place + 1)}`;
}

const hostile = (good: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { arbitrary: mutatedJson(good), weight: 6 },
    { arbitrary: mutatedBytes(good), weight: 3 },
    { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 },
  );

describe('hostile evidence is answered with a TrustError or a value', () => {
  const bounded = { numRuns: 250, interruptAfterTimeLimit: 2_500 };

  it('by parseBundle and inspectBundle', () => {
    expect(isAccepted(() => parseBundle(bundle, crypto))).toBe(true);
    fc.assert(
      fc.property(hostile(bundle), (bytes) => {
        isAccepted(() => parseBundle(bytes, crypto));
        // Every byte is covered by the statement, so that no change is consistent (AUD-16).
        expect(isAccepted(() => inspectBundle(bytes, crypto))).toBe(false);
      }),
      bounded,
    );
  });

  it('by verifyBundle, which proves none of it (AUD-21)', () => {
    expect(isAccepted(() => verifyBundle(bundle, trust, crypto))).toBe(true);
    const refusal = expect.objectContaining({ code: 'PROOF_NOT_PROVEN' });
    fc.assert(
      fc.property(hostile(bundle), (bytes) => {
        expect(() => verifyBundle(bytes, trust, crypto)).toThrow(refusal);
      }),
      bounded,
    );
  });

  it('by verifyBundle, of a log that an operator made of hostile events', () => {
    const story = canonicalBytes(events as never);
    fc.assert(
      fc.property(mutatedJson(story), (bytes) => {
        const made = exportOrNothing(JSON.parse(decodeUtf8(bytes)) as typeof events);
        isAccepted(() => verifyBundle(made, trust, crypto));
      }),
      { ...bounded, numRuns: 150 },
    );
  });

  it('by parseTrustFile', () => {
    const policies = [{ policy: 'ab'.repeat(32), anchors: JSON.parse(decodeUtf8(trustBytes)).anchors }];
    const full = trustFile({ policies });
    expect(isAccepted(() => parseTrustFile(full, crypto))).toBe(true);
    fc.assert(
      fc.property(hostile(full), (bytes) => {
        // What was accepted is complete enough to verify with.
        const accepted = () => verifyBundle(bundle, parseTrustFile(bytes, crypto), crypto);
        isAccepted(accepted);
      }),
      bounded,
    );
  });

  it('by parseReceipt and verifyReceipt', () => {
    const prove = (bytes: Uint8Array) => verifyReceipt(parseReceipt(bytes), trust, crypto);
    const proven = prove(receipt);
    fc.assert(
      fc.property(hostile(receipt), (bytes) => {
        // Disclosures may be left out and the layout is free; the event may not differ.
        if (isAccepted(() => prove(bytes))) expect(prove(bytes).event).toEqual(proven.event);
      }),
      bounded,
    );
  });
});

/** Events that no tree could be made of, or that the export itself refuses, are nobody's evidence. */
function exportOrNothing(made: typeof events): Uint8Array {
  try {
    return exportBundle(made);
  } catch {
    return new Uint8Array();
  }
}
