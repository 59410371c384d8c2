import { b64url, hex, jcs } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { base58, didOfKey, party } from './keys.js';

const UUID = '01890a5d-ac96-774b-bcce-b302099a8057';

export function base64urlNoun(): Noun {
  const n = createNoun('base64url', 'text is read as base64url (ENC-1); expect.hex are its bytes.');
  for (const bytes of ['', '00', 'ff', '0000', 'fbff', 'fffefd', '00112233445566778899aabbccddeeff']) {
    const text = Buffer.from(bytes, 'hex').toString('base64url');
    n.ok(bytes === '' ? 'empty' : bytes, 'ENC-1', `${bytes.length / 2} bytes`, { text }, { hex: bytes });
  }
  const bad: [string, string, string][] = [
    ['padding', 'AA==', 'padding'],
    ['one-padding', 'AAA=', 'padding'],
    ['only-padding', '=', 'padding alone'],
    ['length-1', 'A', 'a length of 1 modulo 4'],
    ['length-5', 'AAAAA', 'a length of 1 modulo 4'],
    ['standard-plus', '+_8A', 'the standard alphabet'],
    ['standard-slash', 'AA/A', 'the standard alphabet'],
    ['space', 'AA AA', 'white space inside'],
    ['newline', 'AAAA\n', 'a line end'],
    ['leading-space', ' AAA', 'white space in front'],
    ['bits-2', 'AB', 'trailing bits that are not zero, after one byte'],
    ['bits-2-high', 'A_', 'trailing bits that are not zero, after one byte'],
    ['bits-3', 'AAB', 'trailing bits that are not zero, after two bytes'],
    ['nul', 'AA\u0000A', 'a NUL'],
    ['unicode', 'AA\u0410A', 'a Cyrillic letter that looks like A'],
    ['wide', '\u0141AAA', 'a character whose low byte is A'],
  ];
  for (const [id, text, note] of bad) n.no(id, 'ENC-1', note, { text }, 'MALFORMED');
  return n.done();
}

export function jsonNoun(): Noun {
  const n = createNoun(
    'json',
    'hex are bytes of a JSON text, floats says whether fractions are accepted; it is read strictly (ENC-6); expect.jcs is the canonical form of what was read.',
  );
  const text = (source: string | Uint8Array, floats = false) => ({ hex: hex(Buffer.from(source)), floats });
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  n.ok('object', 'ENC-6', 'an object with white space', text(' { "b" : 1 , "a" : [ ] } '), {
    jcs: '{"a":[],"b":1}',
  });
  n.ok('scalar', 'ENC-6', 'a scalar document', text('"x"'), { jcs: '"x"' });
  n.ok('max', 'ENC-6', 'the largest integer', text('9007199254740991'), { jcs: '9007199254740991' });
  n.ok('min', 'ENC-6', 'the smallest integer', text('-9007199254740991'), { jcs: '-9007199254740991' });
  n.ok('depth-64', 'ENC-6', '64 levels', text(nested(64)), { jcs: nested(64) });
  n.ok('pair', 'ENC-6', 'an escaped surrogate pair', text('"\\ud83d\\ude00"'), { jcs: '"\u{1f600}"' });
  n.ok('proto', 'ENC-6', '__proto__ is an ordinary member', text('{"__proto__":1}'), {
    jcs: '{"__proto__":1}',
  });
  n.ok('fraction', 'ENC-6', 'a fraction where they are accepted', text('[1.50,1e3]', true), {
    jcs: '[1.5,1000]',
  });
  n.ok('case', 'ENC-6', 'names that differ in case are two', text('{"a":1,"A":2}'), { jcs: '{"A":2,"a":1}' });
  const bad: [string, string | Uint8Array, string][] = [
    ['empty', '', 'no value'],
    ['bom', '\ufeff{}', 'a byte order mark'],
    ['twice', '{"a":1,"a":2}', 'a member name twice'],
    ['twice-escaped', '{"a":1,"\\u0061":2}', 'a member name twice, once escaped'],
    ['twice-deep', '{"x":[{"a":1,"a":1}]}', 'a member name twice, deep inside'],
    ['second-value', '{} {}', 'a second value'],
    ['trailing-nul', '{}\u0000', 'a NUL after the value'],
    ['2-53', '9007199254740992', 'an integer of magnitude 2^53'],
    ['minus-2-53', '-9007199254740992', 'an integer of magnitude 2^53'],
    ['huge', '1'.repeat(400), 'an integer of 400 digits'],
    ['fraction', '1.5', 'a fraction'],
    ['exponent', '1e2', 'an exponent'],
    ['leading-zero', '01', 'a leading zero'],
    ['plus', '+1', 'a plus sign'],
    ['nan', 'NaN', 'not a number'],
    ['depth-65', nested(65), '65 levels'],
    ['lone-high', '"\\ud800"', 'a lone high surrogate'],
    ['lone-low', '"\\udc00"', 'a lone low surrogate'],
    ['swapped', '"\\udc00\\ud800"', 'a swapped surrogate pair'],
    ['lone-name', '{"\\ud800":1}', 'a lone surrogate in a name'],
    ['control', '"\u0001"', 'a control character'],
    ['newline', '"a\nb"', 'a line end in a string'],
    ['comma', '[1,]', 'a trailing comma'],
    ['comment', '{}//', 'a comment'],
    ['single-quotes', "{'a':1}", 'single quotes'],
    ['escape', '"\\x41"', 'an unknown escape'],
    ['unfinished', '{"a":', 'an early end'],
    ['nbsp', '\u00a0{}', 'white space that JSON does not know'],
    ['utf8-overlong', Buffer.from('22c0af22', 'hex'), 'overlong UTF-8'],
    ['utf8-surrogate', Buffer.from('22eda08022', 'hex'), 'a surrogate as UTF-8'],
    ['utf8-cut', Buffer.from('22c322', 'hex'), 'UTF-8 cut off'],
    ['utf16', Buffer.from('7b007d00', 'hex'), 'UTF-16'],
  ];
  for (const [id, source, note] of bad) n.no(id, 'ENC-6', note, text(source), 'MALFORMED');
  n.no('infinite', 'ENC-6', 'a number beyond the doubles', text('1e400', true), 'MALFORMED');
  return n.done();
}

export function jcsNoun(): Noun {
  const n = createNoun(
    'jcs',
    'text is JSON; expect.jcs is its canonical form (ENC-7). Invalid: text is JSON, but not in canonical form.',
  );
  const good = [
    ['order', '{"\u20ac":1,"\\r":2,"1":3,"\u{1f600}":4,"\ufb33":5,"\u0080":6,"\u00f6":7}'],
    ['escapes', '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\\\/\u007f\u2028"'],
    ['nested', '{"b":[{"d":null,"c":true},[],{}],"a":false}'],
    ['empty-name', '{"":0,"a":1}'],
  ] as const;
  for (const [id, text] of good) n.ok(id, 'ENC-7', id, { text }, { jcs: jcs(JSON.parse(text)) });
  const bad = [
    ['space', '{"a": 1}', 'white space'],
    ['order', '{"b":1,"a":2}', 'members out of order'],
    ['order-utf16', '{"\ufb33":1,"\u{1f600}":2}', 'members in order of code points instead of UTF-16 units'],
    ['escaped', '"\\u0061"', 'an escape that is not needed'],
    ['slash', '"\\/"', 'an escaped slash'],
    ['hex-case', '"\\u001F"', 'capital hex digits in an escape'],
    ['line-end', '{}\n', 'a line end after the value'],
  ] as const;
  for (const [id, text, note] of bad) n.no(id, 'ENC-7', note, { text }, 'MALFORMED');
  return n.done();
}

export function timeNoun(): Noun {
  const n = createNoun('time', 'text is a time in a record (ENC-3); expect.ms are milliseconds since 1970.');
  const good = [
    '1970-01-01T00:00:00.000Z',
    '2026-11-23T15:04:05.678Z',
    '2024-02-29T23:59:59.999Z',
    '2000-02-29T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ];
  for (const text of good) n.ok(text.slice(0, 10), 'ENC-3', 'a time', { text }, { ms: Date.parse(text) });
  const bad: [string, string][] = [
    ['no-fraction', '2026-11-23T15:04:05Z'],
    ['two-digits', '2026-11-23T15:04:05.67Z'],
    ['six-digits', '2026-11-23T15:04:05.678901Z'],
    ['offset', '2026-11-23T15:04:05.678+00:00'],
    ['lower-case', '2026-11-23t15:04:05.678z'],
    ['space', '2026-11-23 15:04:05.678Z'],
    ['leap-second', '2016-12-31T23:59:60.000Z'],
    ['february-29', '2026-02-29T00:00:00.000Z'],
    ['century', '2100-02-29T00:00:00.000Z'],
    ['month-13', '2026-13-01T00:00:00.000Z'],
    ['hour-24', '2026-11-23T24:00:00.000Z'],
    ['minute-60', '2026-11-23T23:60:00.000Z'],
    ['day-0', '2026-11-00T00:00:00.000Z'],
    ['year-1969', '1969-12-31T23:59:59.999Z'],
    ['year-0', '0000-01-01T00:00:00.000Z'],
    ['year-10000', '+10000-01-01T00:00:00.000Z'],
    ['line-end', '2026-11-23T15:04:05.678Z\n'],
    ['digits', '\u0662026-11-23T15:04:05.678Z'],
  ];
  for (const [id, text] of bad) n.no(id, 'ENC-3', id, { text }, 'MALFORMED');
  return n.done();
}

export function uuidNoun(): Noun {
  const n = createNoun('uuid', 'text is a UUIDv7 (ENC-4); expect.ms is the time inside.');
  const good = [
    UUID,
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
    '00000000-0000-7000-8000-000000000000',
    'ffffffff-ffff-7fff-bfff-ffffffffffff',
  ];
  for (const text of good) {
    n.ok(
      text.slice(0, 8),
      'ENC-4',
      'a UUIDv7',
      { text },
      { ms: Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16) },
    );
  }
  const bad: [string, string][] = [
    ['upper-case', UUID.toUpperCase()],
    ['version-4', UUID.replace('-7', '-4')],
    ['variant', UUID.replace('-b', '-c')],
    ['variant-0', UUID.replace('-b', '-7')],
    ['braces', `{${UUID}}`],
    ['urn', `urn:uuid:${UUID}`],
    ['no-hyphens', UUID.replaceAll('-', '')],
    ['short', UUID.slice(1)],
    ['line-end', `${UUID}\n`],
    ['letter', `${UUID.slice(0, -1)}g`],
  ];
  for (const [id, text] of bad) n.no(id, 'ENC-4', id, { text }, 'MALFORMED');
  return n.done();
}

export function cursorNoun(): Noun {
  const n = createNoun('cursor', 'text is a page cursor (ENC-12).');
  for (const seconds of [0, 1_700_000_000, 9_007_199_254_740_991]) {
    n.ok(
      String(seconds),
      'ENC-12',
      'a cursor',
      { text: b64url(`${seconds}:${UUID}`) },
      { seconds, id: UUID },
    );
  }
  const bad: [string, string][] = [
    ['empty', ''],
    ['plain', `1:${UUID}`],
    ['no-id', b64url('1:')],
    ['no-seconds', b64url(`:${UUID}`)],
    ['negative', b64url(`-1:${UUID}`)],
    ['plus', b64url(`+1:${UUID}`)],
    ['zeros', b64url(`01:${UUID}`)],
    ['fraction', b64url(`1.5:${UUID}`)],
    ['2-53', b64url(`9007199254740992:${UUID}`)],
    ['upper-case', b64url(`1:${UUID.toUpperCase()}`)],
    ['extra', b64url(`1:${UUID}:`)],
    ['padding', `${b64url(`1:${UUID}`)}=`],
    ['space', b64url(` 1:${UUID}`)],
  ];
  for (const [id, text] of bad) n.no(id, 'ENC-12', id, { text }, 'MALFORMED');
  return n.done();
}

export function didKeyNoun(): Noun {
  const n = createNoun('did-key', 'did is a did:key (ID-1); expect.hex is its Ed25519 key.');
  for (const name of ['organisation', 'agent', 'sub-agent']) {
    const { did, publicKey } = party(name);
    n.ok(name, 'ID-1', `key of the ${name} of these vectors`, { did }, { hex: hex(publicKey) });
  }
  const { did, publicKey } = party('agent');
  const raw = did.slice('did:key:z'.length);
  const bad: [string, string][] = [
    ['no-multibase', `did:key:${raw}`],
    ['base64url', `did:key:u${b64url(Buffer.concat([Uint8Array.of(0xed, 1), publicKey]))}`],
    ['upper-case-z', `did:key:Z${raw}`],
    ['fragment', `${did}#${raw}`],
    ['query', `${did}?a=b`],
    ['path', `${did}/a`],
    ['version', `did:key:1.1:z${raw}`],
    ['scheme', did.replace('did:', 'DID:')],
    ['method', did.replace('key', 'KEY')],
    ['zero-char', `${did.slice(0, -1)}0`],
    ['leading-1', `did:key:z1${raw}`],
    ['space', `${did} `],
    ['short', didOfKey(publicKey.subarray(1))],
    ['long', didOfKey(Buffer.concat([publicKey, Uint8Array.of(0)]))],
    ['x25519', didOfKey(publicKey, [0xec, 0x01])],
    ['secp256k1', didOfKey(publicKey, [0xe7, 0x01])],
    ['no-varint', didOfKey(publicKey, [0xed])],
    ['overlong-varint', didOfKey(publicKey, [0xed, 0x81, 0x00])],
    ['no-codec', `did:key:z${base58(publicKey)}`],
    ['empty', 'did:key:z'],
    ['small-order', didOfKey(Buffer.alloc(32))],
    ['identity-point', didOfKey(Buffer.from(`01${'00'.repeat(31)}`, 'hex'))],
    ['not-canonical', didOfKey(Buffer.from(`ee${'ff'.repeat(30)}7f`, 'hex'))],
  ];
  for (const [id, text] of bad)
    n.no(
      id,
      ['small-order', 'identity-point', 'not-canonical'].includes(id) ? 'ID-3' : 'ID-1',
      id,
      { did: text },
      'MALFORMED',
    );
  return n.done();
}
