import { type Static, Type } from 'typebox';
import { ascii, CLOSED, Hash43, text } from './primitive.js';
import { VerifierKey } from './receipt.js';

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
