import type { Subject } from '@talosprotocol/contracts';

/** A subject as one text: equal exactly if the subjects are the same. Texts compare by their bytes, issuers too. */
export function subjectKey(subject: Subject): string {
  return JSON.stringify([subject.kind, 'issuer' in subject ? subject.issuer : '', subject.id]);
}
