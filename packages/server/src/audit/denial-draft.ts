import { type CryptoProvider, createUuidv7, encodeUtf8, parseTime } from '@talosprotocol/protocol';
import type { DenialSummary } from './denials.js';
import type { AuditDraft } from './draft.js';

/** Drafts summaries under ids that are the same for the same part and code of one run, however often they are asked for.
 *  `run` is unpredictable: no two runs share an id. */
export function createDenialDrafts(
  tenant: string,
  run: string,
  crypto: CryptoProvider,
): (summary: DenialSummary) => AuditDraft<'denials'> {
  return ({ principal, members, part }) => {
    const digest = crypto.sha256(encodeUtf8(`${run}\n${part}\n${members.code}`));
    const id = `evt_${createUuidv7(parseTime(members.minute), digest.subarray(0, 16))}`;
    return { type: 'denials', tenant, disclosures: [], id, principal, members };
  };
}
