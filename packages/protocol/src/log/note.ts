import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { isKeyName, type NoteSigner, type NoteVerifier } from './note-key.js';

/** One signature line of a note: whose key it claims, and the bytes after the key id. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Uint8Array;
}

/** A signed note (C2SP signed-note): `text` ends in a line feed. Nothing in a parsed note is to be believed
 *  before `verifyNote`. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

declare const verified: unique symbol;

/** A note whose text at least one known key signed. `signatures` has one entry for each of those keys, in the
 *  order of the note; `unverified` has the lines of keys that were not known. */
export interface VerifiedNote extends Note {
  readonly unverified: readonly NoteSignature[];
  readonly [verified]: true;
}

/** Longest note that is read or written, in UTF-16 units; as in Go's sumdb/note. */
export const MAX_NOTE_LENGTH = 1_000_000;

/** Most signature lines a note may have; as in Go's sumdb/note (C2SP asks for 16 at least). */
export const MAX_NOTE_SIGNATURES = 100;

const KEY_ID_BYTES = 4;
const LINE_START = '\u2014 ';

/** No text in UTF-8: lone surrogates; and every ASCII control character but the line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a note may not contain
const NOT_IN_NOTE = /[\p{Surrogate}\u0000-\u0009\u000b-\u001f]/u;

/** Takes a note apart without checking a signature.
 *  @throws {TrustError} MALFORMED, also for a note of more than 1,000,000 characters or 100 signatures */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw malformed('a note that is too long');
  if (NOT_IN_NOTE.test(note)) throw malformed('a note with a control character or a lone surrogate');
  // The text may itself have empty lines: the last one separates it from the signatures.
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('a note without signatures');
  return { text: note.slice(0, split + 1), signatures: parseSignatureLines(note.slice(split + 2)) };
}

/** Reads signature lines that stand alone, as a witness answers them (C2SP tlog-witness): 1 to 100, each ending in a
 *  line feed.
 *  @throws {TrustError} MALFORMED */
export function parseSignatureLines(lines: string): readonly NoteSignature[] {
  if (lines.length > MAX_NOTE_LENGTH || !lines.endsWith('\n'))
    throw malformed('lines that are not signatures');
  const each = lines.slice(0, -1).split('\n');
  if (each.length > MAX_NOTE_SIGNATURES) throw malformed('a note with too many signatures');
  return each.map(parseSignatureLine);
}

/** Writes a note.
 *  @throws {TypeError} the text or a signature cannot be written so that `parseNote` would read it */
export function formatNote(note: Note): string {
  const text = `${assertNoteText(note.text)}\n${formatSignatureLines(note.signatures)}`;
  if (text.length > MAX_NOTE_LENGTH) throw new TypeError('the note is too long');
  return text;
}

/** Writes signature lines.
 *  @throws {TypeError} none or too many, or one that `parseSignatureLines` would not read */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  if (signatures.length === 0 || signatures.length > MAX_NOTE_SIGNATURES) {
    throw new TypeError('a note has 1 to 100 signatures');
  }
  return signatures.map(formatSignatureLine).join('');
}

/** Signs a text with each of the signers and writes the note. To add a signature to a note, verify it and format
 *  its text with the signatures of both.
 *  @throws {TypeError} the text does not end in a line feed or has control characters, or there is no signer */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  const message = encodeUtf8(assertNoteText(text));
  const signatures = signers.map((signer) => ({
    name: signer.name,
    keyId: signer.keyId,
    signature: signer.sign(message),
  }));
  return formatNote({ text, signatures });
}

/** Verifies a note against the keys the caller trusts. A signature of an unknown key counts for nothing; one that
 *  claims a known key and does not verify refuses the whole note, even beside good ones.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | PROOF_NOT_PROVEN (no known key signed)
 *  @throws {TypeError} two verifiers have the same name and key id */
export function verifyNote(note: string, verifiers: readonly NoteVerifier[]): VerifiedNote {
  const parsed = parseNote(note);
  const { good, unverified } = sortSignatures(parsed, verifiers);
  if (good.length === 0) throw new TrustError('PROOF_NOT_PROVEN', 'no known key signed the note');
  return { text: parsed.text, signatures: good, unverified } as unknown as VerifiedNote;
}

/** Tells the signatures of known keys, one of each, from those of unknown ones.
 *  @throws {TrustError} SIGNATURE_INVALID
 *  @throws {TypeError} two verifiers have the same name and key id */
export function sortSignatures(
  { text, signatures }: Note,
  verifiers: readonly NoteVerifier[],
): { readonly good: readonly NoteSignature[]; readonly unverified: readonly NoteSignature[] } {
  const known = new Map(verifiers.map((verifier) => [keyOf(verifier), verifier]));
  if (known.size !== verifiers.length)
    throw new TypeError('two note verifiers have the same name and key id');
  const message = encodeUtf8(text);
  const good = new Map<string, NoteSignature>();
  for (const line of signatures) {
    const verifier = known.get(keyOf(line));
    if (verifier === undefined) continue;
    if (!verifier.verify(message, line.signature)) {
      throw new TrustError('SIGNATURE_INVALID', 'a signature of the note by a known key does not verify');
    }
    if (!good.has(keyOf(line))) good.set(keyOf(line), line);
  }
  return { good: [...good.values()], unverified: signatures.filter((line) => !known.has(keyOf(line))) };
}

function parseSignatureLine(line: string): NoteSignature {
  const [name = '', base64 = '', ...more] = line.slice(LINE_START.length).split(' ');
  if (!line.startsWith(LINE_START) || !isKeyName(name) || more.length > 0) {
    throw malformed('a line of the note that is not a signature');
  }
  const bytes = decodeBase64(base64);
  if (bytes.length <= KEY_ID_BYTES) throw malformed('a signature of the note that is too short');
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) };
}

function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name) || signature.length === 0)
    throw new TypeError('a signature needs a key name and bytes');
  const bytes = new Uint8Array(KEY_ID_BYTES + signature.length);
  new DataView(bytes.buffer).setUint32(0, keyId);
  bytes.set(signature, KEY_ID_BYTES);
  return `${LINE_START}${name} ${encodeBase64(bytes)}\n`;
}

function assertNoteText(text: string): string {
  if (!text.endsWith('\n') || NOT_IN_NOTE.test(text)) {
    throw new TypeError('the text of a note ends in a line feed and has no other control characters');
  }
  return text;
}

function keyOf(key: { readonly name: string; readonly keyId: number }): string {
  return `${key.name}+${key.keyId}`;
}
