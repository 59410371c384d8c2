import type { RevokedBy } from '@talosprotocol/contracts';

/** A revocation as it is kept. */
export interface Revocation {
  readonly lid: string;
  readonly by: RevokedBy;
  /** The JWS; null if an administrator revoked. */
  readonly revocation: string | null;
  /** Unix milliseconds. */
  readonly at: number;
}
