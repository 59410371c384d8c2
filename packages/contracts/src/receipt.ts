import { type Static, Type } from 'typebox';
import { TrustedBlock, TrustedContract } from './anchor.js';
import { AuditEvent, Disclosure } from './audit.js';
import { TrustAnchor } from './capability.js';
import { ascii, CLOSED, Did, HexHash, LogOrigin, ReceiptId, text } from './primitive.js';

const disclosures = Type.Array(Disclosure, { maxItems: 32 });

/** What every receipt says of itself, word for word (AUD-62): somebody who opens the file reads it there. */
export const RECEIPT_ASSERTS = {
  shown: [
    'This record is in the log that signed the checkpoint in proof, at the index in proof, as it was logged.',
    'What stands under disclosures is what the record committed to.',
  ],
  not_shown: [
    'That the grants allowed what the record says: a bundle has the grants.',
    'That nothing else happened: a bundle shows that nothing is missing.',
    'That the agent itself acted, rather than the gateway in its name.',
    'The time, beyond the word of the log.',
    'Anything at all, unless it is verified with keys that you got by another way than this file.',
  ],
};

const sentences = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 8 });

/** One event with the proof that it is in the log (AUD-14). `proof` is the text of C2SP tlog-proof. */
export const Receipt = Type.Object(
  {
    format: Type.Literal('talos-receipt-v1'),
    id: ReceiptId,
    asserts: Type.Optional(Type.Object({ shown: sentences, not_shown: sentences }, CLOSED)),
    event: AuditEvent,
    disclosures,
    proof: text(65_536, { pattern: '^c2sp\\.org/tlog-proof@v1\\n' }),
  },
  CLOSED,
);
export type Receipt = Static<typeof Receipt>;

/** A log's key as C2SP signed-note writes it: `<name>+<8 hex>+<base64>`. */
export const VerifierKey = ascii(
  '^[!-*,-~]{1,256}\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]{43,64}={0,2}$',
  334,
  'signed-note key',
);

/** Most witnesses of a log (AUD-19). */
export const MAX_WITNESSES = 64;

/** Keys of witnesses, as C2SP tlog-cosignature writes them. */
export const WitnessKeys = Type.Array(VerifierKey, { maxItems: MAX_WITNESSES, uniqueItems: true });

/** How many witnesses must have cosigned a checkpoint. */
export const Quorum = Type.Integer({ minimum: 0, maximum: MAX_WITNESSES });

/** A log, its key, and who must have seen its checkpoints (AUD-28). */
export const TrustedLog = Type.Object(
  {
    origin: LogOrigin,
    vkey: VerifierKey,
    witnesses: Type.Optional(WitnessKeys),
    quorum: Type.Optional(Quorum),
  },
  CLOSED,
);
export type TrustedLog = Static<typeof TrustedLog>;

/** Largest trust file in bytes (AUD-19). */
export const MAX_TRUST_BYTES = 4_194_304;

/** Most policies in a trust file (AUD-19). */
export const MAX_POLICIES = 4_096;

const anchors = Type.Array(TrustAnchor, { maxItems: 64 });

/** The anchors that were in force under a policy, named by its hash (AUD-9, AUD-19). */
export const PolicyAnchors = Type.Object({ policy: HexHash, anchors }, CLOSED);
export type PolicyAnchors = Static<typeof PolicyAnchors>;

/** What an auditor decides to trust (AUD-19). `anchors` are those of every policy that `policies` does not list. */
export const TrustFile = Type.Object(
  {
    format: Type.Literal('talos-trust-v1'),
    logs: Type.Array(TrustedLog, { maxItems: 64 }),
    exporters: Type.Array(Did, { maxItems: 64, uniqueItems: true }),
    emitters: Type.Array(Did, { maxItems: 256, uniqueItems: true }),
    anchors,
    policies: Type.Optional(Type.Array(PolicyAnchors, { maxItems: MAX_POLICIES })),
    blocks: Type.Optional(Type.Array(TrustedBlock, { maxItems: 4_096 })),
    contracts: Type.Optional(Type.Array(TrustedContract, { maxItems: 256 })),
  },
  CLOSED,
);
export type TrustFile = Static<typeof TrustFile>;
