import { type Static, type TProperties, Type } from 'typebox';
import { ascii, CLOSED, Count, Hash43, Positive, Time, text } from './primitive.js';
import { MAX_WITNESSES, Quorum, VerifierKey } from './receipt.js';

/** Largest proof of a split view in bytes (AUD-29). */
export const MAX_SPLIT_VIEW_BYTES = 262_144;

const note = text(65_536);

/** Proof that a log showed two histories, which anybody with its key can check (AUD-29): its first `older.size` leaves
 *  are not the same under both notes. `prefix` is the root they have under `newer`, and `proof` the consistency proof
 *  from that root to `newer`'s, empty if both are of one size. */
export const SplitView = Type.Object(
  {
    format: Type.Literal('talos-split-view-v1'),
    older: note,
    newer: note,
    prefix: Hash43,
    proof: Type.Array(Hash43, { maxItems: 63 }),
  },
  CLOSED,
);
export type SplitView = Static<typeof SplitView>;

/** What a witness is told: its name, and the logs it follows (AUD-30). */
export const WitnessSettings = Type.Object(
  {
    name: Type.Optional(
      ascii(
        '^[!-*,-~]{1,255}$',
        255,
        'name of its key, a URL without scheme; another name is another witness',
      ),
    ),
    logs: Type.Array(
      Type.Object(
        {
          vkey: VerifierKey,
          origin: Type.Optional(
            text(256, {
              pattern: '^[^\\n]+$',
              description: 'of its checkpoints, where its key has another name',
            }),
          ),
        },
        CLOSED,
      ),
      { maxItems: 1024 },
    ),
  },
  CLOSED,
);
export type WitnessSettings = Static<typeof WitnessSettings>;

/** What may be wrong with a witness (AUD-33). */
export const WitnessFaultCode = Type.Union([
  Type.Literal('unreachable', { description: 'no connection' }),
  Type.Literal('timeout', { description: 'no answer in time' }),
  Type.Literal('busy', { description: 'it answers that it cannot now' }),
  Type.Literal('garbage', { description: 'its answer is none, or contradicts itself' }),
  Type.Literal('unknown_log', { description: 'it does not follow this log' }),
  Type.Literal('refuses_key', { description: 'it follows this log under another key' }),
  Type.Literal('bad_signature', { description: 'it signed something else than it was asked to' }),
  Type.Literal('not_cosigned', { description: 'it answered without a signature by its key' }),
  Type.Literal('wrong_time', { description: 'its cosignature states a time that is not now' }),
  Type.Literal('ahead', { description: 'it says it saw more than this log has signed' }),
  Type.Literal('forked', { description: 'it says it saw another history' }),
]);
export type WitnessFaultCode = Static<typeof WitnessFaultCode>;

const nullable = <T extends TProperties[string]>(schema: T) => Type.Union([schema, Type.Null()]);

/** Answer of `GET /talos/v1/witnesses`: who watches the log, and how it is with them. `checkpoint` is the newest that as
 *  many as must have seen. */
export const WitnessesStatus = Type.Object(
  {
    quorum: Quorum,
    checkpoint: nullable(
      Type.Object({ size: Positive, witnesses: Type.Array(text(256), { maxItems: MAX_WITNESSES }) }, CLOSED),
    ),
    witnesses: Type.Array(
      Type.Object(
        {
          name: text(256),
          vkey: VerifierKey,
          url: text(512),
          size: nullable(Count),
          cosigned: nullable(Time),
          fault: nullable(
            Type.Object(
              { code: WitnessFaultCode, detail: text(1024), since: Time, times: Positive },
              { ...CLOSED, description: 'what went wrong last; null once it cosigned again' },
            ),
          ),
        },
        CLOSED,
      ),
      { maxItems: MAX_WITNESSES },
    ),
  },
  CLOSED,
);
export type WitnessesStatus = Static<typeof WitnessesStatus>;
