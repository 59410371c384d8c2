import {
  decodeEntryBundle,
  decodeHashTile,
  encodeEntryBundle,
  encodeHashTile,
  encodeOtsFile,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatSignatureLines,
  formatTlogProof,
  formatVerifierKey,
  inspectBundle,
  parseAddCheckpoint,
  parseAnchorEvidence,
  parseCheckpoint,
  parseEvent,
  parseEvmHeader,
  parseJson,
  parseNote,
  parseOtsFile,
  parseReceipt,
  parseSignatureLines,
  parseSplitView,
  parseTilePath,
  parseTlogProof,
  parseTrustFile,
  parseVerifierKey,
  tilePath,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { bytes, type Decoder, members, same, text } from './decoder.js';

const crypto = createNodeCrypto();
const notes = members('checkpoint', 'checkpoint');
const texts = notes.map((note) => `${note.split('\n\n')[0]}\n`);
const lines = notes.map((note) => note.slice(note.lastIndexOf('\n\n') + 2));
const hash = 'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n';
const requests = notes.map((note, at) => `old ${at}\n${hash.repeat(at % 4)}\n${note}`);
const proofs = members('receipt', 'receipt')
  .map((receipt) => (JSON.parse(receipt) as { proof?: string }).proof ?? '')
  .filter((proof) => proof !== '');

export const LOGS: readonly Decoder[] = [
  text('note', notes, (input) => same(formatNote(parseNote(input)), input)),
  text('checkpoint', texts, (input) => same(formatCheckpoint(parseCheckpoint(input)), input)),
  text('verifier key', members('checkpoint', 'vkey'), (input) => {
    const { name, publicKey, type } = parseVerifierKey(crypto.sha256, input);
    return type === 1 ? same(formatVerifierKey(crypto.sha256, name, publicKey), input) : undefined;
  }),
  text('signature lines', lines, (input) => same(formatSignatureLines(parseSignatureLines(input)), input)),
  text('request to a witness', requests, (input) =>
    same(formatAddCheckpoint(parseAddCheckpoint(input)), input),
  ),
  bytes('split view', members('split-view', 'evidence'), (input) => {
    parseSplitView(input);
    return undefined;
  }),
  text('tlog proof', proofs, (input) => same(formatTlogProof(parseTlogProof(input)), input)),
  text(
    'tile path',
    ['tile/0/000', 'tile/1/x001/x234/067.p/8', 'tile/entries/000.p/1', 'tile/0/x003/000'],
    (input) => same(tilePath(parseTilePath(input)), input),
  ),
  bytes('hash tile', ['x'.repeat(32), 'x'.repeat(96)], (input) =>
    same(encodeHashTile(decodeHashTile(input, Math.max(1, input.length >> 5))), input),
  ),
  bytes('entry bundle', ['\u0000\u0001a', '\u0000\u0003abc\u0000\u0000\u0000\u0002xy'], (input) =>
    same(encodeEntryBundle(decodeEntryBundle(input, 1 + ((input[0] ?? 0) & 3))), input),
  ),
  bytes('event', members('event', 'event'), (input) => {
    parseEvent(parseJson(input));
    return undefined;
  }),
  bytes('receipt', members('receipt', 'receipt'), (input) => {
    parseReceipt(input);
    return undefined;
  }),
  bytes('bundle', members('bundle', 'bundle', 60_000).slice(0, 12), (input) => {
    inspectBundle(input, crypto);
    return undefined;
  }),
  bytes('trust file', members('trust-file', 'text'), (input) => {
    return parseTrustFile(input, crypto).logs.size <= 1024 ? undefined : 'has too many logs';
  }),
  bytes(
    'OpenTimestamps file',
    ['\u0000OpenTimestamps\u0000\u0000Proof\u0000', '\u0008\u0000\u00ff\u00f0\u0001a'],
    (input) => same(encodeOtsFile(parseOtsFile(input)), input),
  ),
  bytes('header of an EVM block', ['\u00f9\u0002', '\u00c1\u0080'], (input) => {
    return parseEvmHeader(input).stateRoot.length === 32 ? undefined : 'has no state root';
  }),
  bytes('evidence of an anchor', ['{"format":"talos-anchor-v1","anchor":{"kind":"evm"}}'], (input) => {
    parseAnchorEvidence(input);
    return undefined;
  }),
];
