import { type Static, Type } from 'typebox';
import { AnchorSettingsList } from './anchor-settings.js';
import { ascii, CLOSED, text } from './primitive.js';
import { MAX_WITNESSES, Quorum, VerifierKey } from './receipt.js';

/** A bucket that is spoken to over the S3 API. Credentials are no part of it: they come from the environment. */
export const BucketSettings = Type.Object(
  {
    endpoint: Type.Optional(
      ascii(
        '^https?://[A-Za-z0-9.:\\[\\]-]{1,259}$',
        267,
        'where an S3-compatible server answers; absent: Amazon S3 of the region',
      ),
    ),
    region: Type.Optional(ascii('^[a-z0-9-]{1,32}$', 32, 'region of the bucket (default: us-east-1)')),
    bucket: ascii('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$', 63, 'name of the bucket'),
    prefix: Type.Optional(
      ascii(
        '^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}/){1,8}$',
        512,
        'what the names of all objects begin with, ending in /; of one log alone',
      ),
    ),
  },
  CLOSED,
);
export type BucketSettings = Static<typeof BucketSettings>;

/** A witness that the log offers its checkpoints to: its key, and its submission prefix (C2SP tlog-witness). */
export const LogWitness = Type.Object(
  {
    vkey: VerifierKey,
    url: text(512, {
      pattern: '^(?:https://|http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\])(?=[:/]|$))[!-~]*$',
      description: 'what add-checkpoint is appended to; http only on this machine',
    }),
  },
  CLOSED,
);
export type LogWitness = Static<typeof LogWitness>;

const days = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500, description }));

/** How the log is kept, and who watches it. */
export const AuditSettings = Type.Object(
  {
    witnesses: Type.Optional(Type.Array(LogWitness, { maxItems: MAX_WITNESSES })),
    quorum: Type.Optional(Quorum),
    retention: Type.Optional(
      Type.Object(
        {
          disclosures: days('days until what opens commitments is forgotten (AUD-89); absent: never'),
          events: days('days until the bodies of events are pruned (AUD-110); absent: never'),
          addresses: days('days for which hashes of one address are equal (AUD-92; default: 90)'),
        },
        CLOSED,
      ),
    ),
    storage: Type.Optional(
      Type.Object({ s3: BucketSettings }, { ...CLOSED, description: 'absent: the data folder' }),
    ),
    anchors: Type.Optional(AnchorSettingsList),
  },
  CLOSED,
);
export type AuditSettings = Static<typeof AuditSettings>;
