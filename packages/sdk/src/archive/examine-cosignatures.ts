import {
  type CosignatureVerifier,
  encodeUtf8,
  type LogFault,
  type NoteSignature,
  type VerifiedCheckpoint,
} from '@talosprotocol/protocol';

/** What others than the log signed of the checkpoint of an archive. */
export interface Cosigned {
  /** One line of each witness that is known and cosigned it. */
  readonly kept: readonly NoteSignature[];
  /** Lines by keys that are not known: nothing is known of what they say. */
  readonly unknown: number;
}

/** Verifies the cosignatures of a checkpoint by the witnesses that are known here, whatever the archive says of them. One that
 *  names such a witness and does not verify is a fault. */
export function examineCosignatures(
  { note }: VerifiedCheckpoint,
  witnesses: readonly CosignatureVerifier[],
  onFault: (fault: LogFault) => void,
): Cosigned {
  const message = encodeUtf8(note.text);
  const kept = new Map<CosignatureVerifier, NoteSignature>();
  let unknown = 0;
  for (const line of note.unverified) {
    const witness = witnesses.find(({ name, keyId }) => name === line.name && keyId === line.keyId);
    if (witness === undefined) unknown += 1;
    else if (!witness.verify(message, line.signature))
      onFault({ where: 'checkpoint', what: `the cosignature of ${line.name} is not one of this checkpoint` });
    else if (!kept.has(witness)) kept.set(witness, line);
  }
  return { kept: [...kept.values()], unknown };
}
