import { b64url, type Data, jcs, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import {
  AGENT,
  ANCHOR,
  extend,
  GATEWAY,
  hash,
  NOW,
  ONE,
  ORGANISATION,
  rootJws,
  STRANGER,
  SUB_AGENT,
  TWO,
} from './chain.js';
import { jws, type Party } from './keys.js';

const TYP = 'talos-revoke-below+jwt';
const LEAF = hash(TWO.split('~')[1] as string);

export function revocationBelowNoun(): Noun {
  const n = createNoun(
    'revocation-below',
    'revocation is accepted at now with anchors (REV-1, REV-3); expect: the rule, and by whom.',
  );
  const base: Members = { iat: NOW, jti: 'r-1', lid: LEAF, chain: TWO, below: SUB_AGENT.did, as: 'subject' };
  const by = (signer: Party, changes: Members = {}, typ = TYP): string =>
    jws(typ, { iss: signer.did, ...base, ...changes }, signer);
  const given = (revocation: string, more: Members = {}): Members => ({
    revocation,
    anchors: [ANCHOR],
    now: NOW,
    ...more,
  });
  const rule = { below: SUB_AGENT.did, as: 'subject', point: LEAF };
  n.ok('issuer', 'REV-1', 'issuer of the point', given(by(AGENT)), { rule, by: 'issuer' });
  n.ok('ancestor', 'REV-3', 'issuer of the root', given(by(ORGANISATION)), { rule, by: 'ancestor' });
  n.ok('holder', 'REV-3', 'holder of the point', given(by(SUB_AGENT)), { rule, by: 'subject' });
  n.ok(
    'root',
    'REV-3',
    'the root as the point',
    given(by(AGENT, { lid: hash(ONE), chain: ONE, below: AGENT.did, as: 'issuer' })),
    { rule: { below: AGENT.did, as: 'issuer', point: hash(ONE) }, by: 'subject' },
  );
  const expired = rootJws({ exp: NOW - 100 });
  n.ok(
    'expired',
    'REV-3',
    'a chain that has expired',
    given(by(ORGANISATION, { lid: hash(expired), chain: expired })),
    { rule: { ...rule, point: hash(expired) }, by: 'issuer' },
  );
  const no = (id: string, spec: string, text: string, code: string, more: Members = {}) =>
    n.no(id, spec, id, given(text, more), code);
  const sibling = extend(ONE, AGENT, STRANGER.did);
  const siblingLid = hash(sibling.split('~')[1] as string);
  no('stranger', 'REV-3', by(STRANGER), 'DELEGATION_INVALID');
  no('sibling', 'REV-3', by(SUB_AGENT, { lid: siblingLid, chain: sibling }), 'DELEGATION_INVALID');
  no('from-below', 'REV-3', by(SUB_AGENT, { lid: hash(ONE), chain: ONE }), 'DELEGATION_INVALID');
  no('other-key', 'REV-3', jws(TYP, { iss: AGENT.did, ...base }, SUB_AGENT), 'SIGNATURE_INVALID');
  no('future', 'REV-3', by(AGENT, { iat: NOW + 31 }), 'NOT_YET_VALID');
  no('anchor', 'REV-3', by(AGENT), 'UNTRUSTED_ISSUER', { anchors: [] });
  const spliced = `${rootJws({ jti: 'other' })}~${TWO.split('~')[1]}`;
  no('spliced', 'REV-3', by(ORGANISATION, { chain: spliced }), 'DELEGATION_INVALID');
  no('lid-not-last', 'REV-1', by(AGENT, { lid: hash(ONE) }), 'MALFORMED');
  no('typ', 'REV-1', by(AGENT, {}, 'talos-revoke+jwt'), 'MALFORMED');
  no('unknown-member', 'REV-1', by(AGENT, { reason: 'x' }), 'MALFORMED');
  no('role', 'REV-1', by(AGENT, { as: 'holder' }), 'MALFORMED');
  no('did', 'REV-1', by(AGENT, { below: 'SUB' }), 'MALFORMED');
  no('no-point', 'REV-1', jws(TYP, { iss: AGENT.did, ...without(base, 'lid') }, AGENT), 'MALFORMED');
  return n.done();
}

export function belowRuleNoun(): Noun {
  const n = createNoun(
    'below-rule',
    'chain is verified at now by gateway with anchors while rules are in force (REV-2). expect: the holder. Invalid: code and the number of the link that is revoked.',
  );
  const three = extend(extend(ONE, AGENT, SUB_AGENT.did, { dlg: 1 }), SUB_AGENT, STRANGER.did);
  const [, second = ''] = three.split('~');
  const given = (chain: string, ...rules: Members[]): Members => ({
    chain,
    rules,
    anchors: [ANCHOR],
    gateway: GATEWAY.did,
    now: NOW,
  });
  const rule = (below: Party, as: string, point: string | null): Members => ({ below: below.did, as, point });
  const ok = (id: string, input: Members, holder: Party) =>
    n.ok(id, 'REV-2', id, input, { holder: holder.did });
  const no = (id: string, input: Members, link: number) => n.no(id, 'REV-2', id, input, 'REVOKED', link);
  ok('no-rule', given(three), STRANGER);
  ok('holder-keeps', given(TWO, rule(SUB_AGENT, 'subject', hash(ONE))), SUB_AGENT);
  ok('other-point', given(three, rule(SUB_AGENT, 'subject', hash('x'))), STRANGER);
  ok('above-point', given(three, rule(AGENT, 'subject', hash(second))), STRANGER);
  ok('root-of-subject', given(ONE, rule(ORGANISATION, 'subject', null)), AGENT);
  ok('root-at-its-own-point', given(ONE, rule(ORGANISATION, 'issuer', hash(ONE))), AGENT);
  ok('last-holder', given(three, rule(STRANGER, 'subject', null)), STRANGER);
  no('below-root', given(three, rule(SUB_AGENT, 'subject', hash(ONE))), 3);
  no('at-point', given(three, rule(SUB_AGENT, 'subject', hash(second))), 3);
  no('cascades', given(three, rule(AGENT, 'subject', hash(ONE))), 2);
  no('issuer-below-point', given(three, rule(AGENT, 'issuer', hash(ONE))), 2);
  no('everywhere', given(three, rule(SUB_AGENT, 'subject', null)), 3);
  no('root-alone', given(ONE, rule(ORGANISATION, 'issuer', null)), 1);
  no('second-everywhere', given(TWO, rule(AGENT, 'subject', null)), 2);
  no('second-of-issuer', given(TWO, rule(AGENT, 'issuer', null)), 2);
  no('roots-of-issuer', given(three, rule(ORGANISATION, 'issuer', null)), 1);
  no(
    'several',
    given(
      three,
      rule(STRANGER, 'subject', null),
      rule(AGENT, 'issuer', null),
      rule(SUB_AGENT, 'issuer', null),
    ),
    2,
  );
  return n.done();
}

const ENTRY = 'talos-revocation-entry+jwt';
const HEARTBEAT = 'talos-revocation-heartbeat+jwt';

interface Head {
  readonly n: number;
  readonly hash: string | null;
}

export function feedNoun(): Noun {
  const n = createNoun(
    'feed',
    'messages of the feed of the organisation iss are taken in their order by a reader that has nothing, at now (Unix seconds) (REV-6 to REV-8). expect: the items in force, in order. Invalid: code, and the fault as caveat, of the last message; those before are taken.',
  );
  const entry = (head: Head, item: Data, changes: Members = {}, signer = ORGANISATION): string =>
    jws(ENTRY, { iss: ORGANISATION.did, iat: NOW, n: head.n + 1, prev: head.hash, item, ...changes }, signer);
  const after = (text: string, number: number): Head => ({ n: number, hash: b64url(sha256(text)) });
  const beat = (head: Head, changes: Members = {}, signer = ORGANISATION): string =>
    jws(
      HEARTBEAT,
      { iss: ORGANISATION.did, time: NOW * 1000, epoch: 1, beat: 1, n: head.n, hash: head.hash, ...changes },
      signer,
    );
  const empty: Head = { n: 0, hash: null };
  const items = [
    { lid: hash('1'), exp: NOW + 60 },
    { rule: { below: AGENT.did, as: 'subject', point: hash('2') } },
    { rule: { below: AGENT.did, as: 'issuer', point: null }, exp: NOW },
  ];
  const one = entry(empty, items[0] as Data);
  const two = entry(after(one, 1), items[1] as Data);
  const three = entry(after(two, 2), items[2] as Data);
  const other = entry(empty, items[1] as Data);
  const given = (...messages: string[]): Members => ({ iss: ORGANISATION.did, now: NOW, messages });
  n.ok('empty', 'REV-7', 'a heartbeat of an empty feed', given(beat(empty)), []);
  n.ok(
    'entries',
    'REV-6',
    'three entries and a heartbeat',
    given(one, two, three, beat(after(three, 3))),
    items,
  );
  n.ok('again', 'REV-6', 'an entry twice', given(one, two, one), items.slice(0, 2));
  n.ok(
    'leader',
    'REV-7',
    'another leader begins to count',
    given(beat(empty, { beat: 9 }), beat(empty, { epoch: 2 }), one),
    items.slice(0, 1),
  );
  const no = (id: string, fault: string, ...messages: string[]) =>
    n.no(id, 'REV-8', id, given(...messages), 'UNAVAILABLE', undefined, { caveat: fault });
  no('gap', 'gap', one, three);
  no('gap-at-start', 'gap', two);
  no('fork', 'fork', one, entry(after(other, 1), items[2] as Data));
  no('fork-of-old', 'fork', one, two, other);
  no('signer', 'forged', entry(empty, items[0] as Data, {}, AGENT));
  no('platform', 'forged', entry(empty, items[0] as Data, { iss: AGENT.did }, AGENT));
  no('member', 'forged', entry(empty, items[0] as Data, { x: 1 }));
  no('item', 'forged', entry(empty, { lid: hash('1'), rule: null }));
  no('first-with-prev', 'forged', entry(empty, items[0] as Data, { prev: hash('1') }));
  no('second-without-prev', 'forged', one, entry(after(one, 1), items[1] as Data, { prev: null }));
  no('typ', 'forged', jws(HEARTBEAT, { n: 1 }, ORGANISATION));
  no('link', 'forged', ONE);
  no('heartbeat-signer', 'forged', beat(empty, {}, AGENT));
  no('heartbeat-hash', 'fork', one, beat({ n: 1, hash: hash('x') }));
  no('heartbeat-empty-hash', 'forged', beat({ n: 0, hash: hash('x') }));
  no('replay', 'replay', beat(empty), beat(empty));
  no('earlier-beat', 'replay', beat(empty, { beat: 2 }), beat(empty));
  no('earlier-epoch', 'replay', beat(empty, { epoch: 2 }), beat(empty, { beat: 5 }));
  no('rollback', 'rollback', one, two, beat(after(two, 2)), beat(after(one, 1), { beat: 2 }));
  no('late', 'late', beat(empty, { time: NOW * 1000 - 30_001 }));
  no('early', 'late', beat(empty, { time: NOW * 1000 + 30_001 }));
  no('not-json', 'forged', `${b64url(jcs('x'))}.${b64url('x')}.${'A'.repeat(86)}`);
  return n.done();
}
