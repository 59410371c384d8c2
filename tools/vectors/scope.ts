import { createNoun, type Noun } from './case.js';

export function scopeNoun(): Noun {
  const n = createNoun(
    'scope',
    'scope is read as the scope of a grant or of an item, as `in` says (CAP-8 to CAP-10).',
  );
  const grants: [string, string][] = [
    ['tool', 'tool:fs'],
    ['method', 'tool:fs/method:read_file'],
    ['root', 'tool:fs/method:read_file/resource:/'],
    ['path', 'tool:fs/method:read_file/resource:/docs/a%20b'],
    ['star', 'tool:*'],
    ['star-end', 'tool:fs/method:read_*'],
    ['llm', 'llm:openai/model:gpt-5%3Amini/feature:web-search'],
    ['a2a', 'a2a:did%3Akey%3Az6Mk/skill:translate'],
    ['admin', 'admin:budgets/action:read'],
    ['escape', 'tool:%C3%BC'],
    ['unreserved', 'tool:a-b.c_d~e'],
    ['max', `tool:${'a'.repeat(1019)}`],
  ];
  for (const [id, scope] of grants) n.ok(id, 'CAP-8', id, { scope, in: 'grant' }, { scope });
  n.ok(
    'item',
    'CAP-8',
    'an item',
    { scope: 'tool:fs/method:a/resource:/x', in: 'item' },
    { scope: 'tool:fs/method:a/resource:/x' },
  );
  n.ok(
    'item-star',
    'CAP-9',
    'an escaped * is an ordinary character',
    { scope: 'tool:fs/method:a%2A', in: 'item' },
    { scope: 'tool:fs/method:a%2A' },
  );
  const start = 'tool:fs/method:a/resource:/';
  const item = `${start}${'a'.repeat(12_800 - start.length)}`;
  n.ok(
    'item-max',
    'CAP-8',
    'an item as long as its resource allows',
    { scope: item, in: 'item' },
    { scope: item },
  );
  const bad: [string, string, string][] = [
    ['empty', 'CAP-8', ''],
    ['unknown-root', 'CAP-8', 'file:fs'],
    ['upper-case-root', 'CAP-8', 'Tool:fs'],
    ['no-colon', 'CAP-8', 'tool'],
    ['empty-value', 'CAP-9', 'tool:'],
    ['repeated', 'CAP-8', 'tool:fs/tool:fs'],
    ['repeated-method', 'CAP-8', 'tool:fs/method:a/method:b'],
    ['order', 'CAP-8', 'method:a/tool:fs'],
    ['skipped', 'CAP-8', 'tool:fs/resource:/a'],
    ['unknown-segment', 'CAP-8', 'tool:fs/action:a'],
    ['foreign-segment', 'CAP-8', 'tool:fs/model:a'],
    ['too-many', 'CAP-8', 'admin:a/action:b/resource:/c'],
    ['trailing-slash', 'CAP-8', 'tool:fs/'],
    ['leading-slash', 'CAP-8', '/tool:fs'],
    ['double-slash', 'CAP-8', 'tool:fs//method:a'],
    ['too-long', 'CAP-8', `tool:${'a'.repeat(1020)}`],
    ['raw-space', 'CAP-9', 'tool:a b'],
    ['raw-unicode', 'CAP-9', 'tool:\u00fc'],
    ['raw-colon', 'CAP-9', 'tool:a:b'],
    ['raw-at', 'CAP-9', 'tool:a@b'],
    ['small-hex', 'CAP-9', 'tool:%c3%bc'],
    ['cut-escape', 'CAP-9', 'tool:%C'],
    ['bad-escape', 'CAP-9', 'tool:%ZZ'],
    ['needless-escape', 'CAP-9', 'tool:%61'],
    ['escaped-hyphen', 'CAP-9', 'tool:a%2Db'],
    ['escaped-tilde', 'CAP-9', 'tool:%7E'],
    ['bad-utf8', 'CAP-9', 'tool:%FF'],
    ['overlong-utf8', 'CAP-9', 'tool:%C0%AF'],
    ['surrogate-utf8', 'CAP-9', 'tool:%ED%A0%80'],
    ['nul', 'CAP-9', 'tool:%00'],
    ['line-end', 'CAP-9', 'tool:%0A'],
    ['c1-control', 'CAP-9', 'tool:%C2%85'],
    ['not-nfc', 'CAP-9', 'tool:u%CC%88'],
    ['raw-line-end', 'CAP-9', 'tool:fs\n'],
    ['resource-relative', 'CAP-9', 'tool:fs/method:a/resource:x'],
    ['resource-empty', 'CAP-9', 'tool:fs/method:a/resource:'],
    ['resource-trailing', 'CAP-9', 'tool:fs/method:a/resource:/x/'],
    ['resource-double', 'CAP-9', 'tool:fs/method:a/resource:/x//y'],
    ['resource-dot', 'CAP-9', 'tool:fs/method:a/resource:/./x'],
    ['resource-dots', 'CAP-9', 'tool:fs/method:a/resource:/x/..'],
    ['resource-escaped-dots', 'CAP-9', 'tool:fs/method:a/resource:/%2E%2E'],
    ['resource-star', 'CAP-10', 'tool:fs/method:a/resource:/x*'],
    ['resource-only-star', 'CAP-10', 'tool:fs/method:a/resource:/*'],
    ['inner-star', 'CAP-10', 'tool:a*b'],
    ['leading-star', 'CAP-10', 'tool:*a'],
    ['two-stars', 'CAP-10', 'tool:a**'],
    ['star-in-escape', 'CAP-10', 'tool:%*'],
    ['star-in-escape-2', 'CAP-10', 'tool:%C*'],
    ['star-small-hex', 'CAP-10', 'tool:%c3*'],
    ['star-needless-escape', 'CAP-10', 'tool:%66*'],
    ['star-bad-byte', 'CAP-10', 'tool:%FF*'],
    ['star-overlong', 'CAP-10', 'tool:%E0%80*'],
    ['star-surrogate', 'CAP-10', 'tool:%ED%A0*'],
    ['star-not-nfc', 'CAP-10', 'tool:u%CC%88*'],
    ['star-control', 'CAP-10', 'tool:%00*'],
    ['star-c1-control', 'CAP-10', 'tool:%C2%85*'],
    ['full-width-slash', 'CAP-9', 'tool:fs\uff0fmethod:a'],
    ['raw-override', 'CAP-9', 'tool:\u202efs'],
    ['raw-percent', 'CAP-9', 'tool:100%'],
    ['twice-escaped-letter', 'CAP-9', 'tool:fs/method:a/resource:/%2561/%62'],
    ['five-byte-utf8', 'CAP-9', 'tool:%F8%88%80%80%80'],
    ['beyond-unicode', 'CAP-9', 'tool:%F4%90%80%80'],
    ['lone-continuation', 'CAP-9', 'tool:a%80'],
    ['delete', 'CAP-9', 'tool:%7F'],
    ['hangul-nfd', 'CAP-9', 'tool:%E1%84%80%E1%85%A1'],
    ['kelvin-not-nfc', 'CAP-9', 'tool:%E2%84%AA'],
    ['resource-nfd', 'CAP-9', 'tool:fs/method:a/resource:/u%CC%88'],
    ['resource-backslash', 'CAP-9', 'tool:fs/method:a/resource:/a\\b'],
    ['resource-query', 'CAP-9', 'tool:fs/method:a/resource:/a?b'],
    ['resource-half-escaped-dots', 'CAP-9', 'tool:fs/method:a/resource:/.%2E/x'],
  ];
  for (const [id, spec, scope] of bad) n.no(id, spec, id, { scope, in: 'grant' }, 'MALFORMED');
  n.no('resource-long', 'CAP-8', 'an item in a grant', { scope: item, in: 'grant' }, 'MALFORMED');
  n.no('item-too-long', 'CAP-8', 'a byte more', { scope: `${item}a`, in: 'item' }, 'MALFORMED');
  for (const [id, scope] of [
    ['item-bare-too-long', `tool:${'a'.repeat(1020)}`],
    ['item-start-too-long', `tool:fs/method:${'a'.repeat(1000)}/resource:/a`],
  ] as const)
    n.no(id, 'CAP-8', 'too long before its resource', { scope, in: 'item' }, 'MALFORMED');
  n.no('item-star', 'CAP-10', 'a * in an item', { scope: 'tool:fs/method:a*', in: 'item' }, 'MALFORMED');
  n.no('item-only-star', 'CAP-10', 'a * in an item', { scope: 'tool:*', in: 'item' }, 'MALFORMED');
  return n.done();
}

export function coversNoun(): Noun {
  const n = createNoun(
    'covers',
    "grant is a grant's scope, item an item's; valid cases are covered (CAP-11), invalid ones are not.",
  );
  const t = 'tool:fs/method:read';
  const good: [string, string, string][] = [
    ['same', t, t],
    ['server', 'tool:fs', `${t}/resource:/a`],
    ['any-server', 'tool:*', t],
    ['prefix', 'tool:fs/method:re*', t],
    ['star-alone', 'tool:fs/method:*', t],
    ['root', `${t}/resource:/`, `${t}/resource:/a/b`],
    ['same-path', `${t}/resource:/a`, `${t}/resource:/a`],
    ['below', `${t}/resource:/a`, `${t}/resource:/a/b`],
    ['root-itself', `${t}/resource:/`, `${t}/resource:/`],
    ['empty-run', 'tool:fs*', 'tool:fs'],
    ['encoded-prefix', 'tool:%C3*', 'tool:%C3%BC'],
    ['escaped-space', `${t}/resource:/a%20b`, `${t}/resource:/a%20b/c`],
    ['escaped-slash-itself', `${t}/resource:/a%2Fb`, `${t}/resource:/a%2Fb/c`],
    ['escaped-percent', `${t}/resource:/a%2541`, `${t}/resource:/a%2541`],
    ['combining-after-star', 'tool:q*', 'tool:q%CC%88'],
    ['emoji-below', `${t}/resource:/%F0%9F%98%80`, `${t}/resource:/%F0%9F%98%80/a`],
    ['override-itself', 'tool:%E2%80%AEfs', 'tool:%E2%80%AEfs/method:a'],
    ['three-stars', 'llm:*/model:*/feature:*', 'llm:a/model:b/feature:c'],
    ['star-then-exact', 'tool:*/method:read', t],
  ];
  for (const [id, grant, item] of good) n.ok(id, 'CAP-11', id, { grant, item }, { covers: true });
  const bad: [string, string, string][] = [
    ['other-server', 'tool:fs', 'tool:fs2'],
    ['other-root', 'admin:fs', 'tool:fs'],
    ['item-shorter', t, 'tool:fs'],
    ['item-no-resource', `${t}/resource:/`, t],
    ['sibling', `${t}/resource:/a`, `${t}/resource:/ab`],
    ['above', `${t}/resource:/a/b`, `${t}/resource:/a`],
    ['other-method', t, 'tool:fs/method:write'],
    ['case', 'tool:FS', 'tool:fs'],
    ['prefix-longer', 'tool:fs/method:reads*', t],
    ['escaped-star', 'tool:fs/method:re%2A', t],
    ['escaped-slash', `${t}/resource:/a`, `${t}/resource:/a%2Fb`],
    ['prefix-not-literal', 'tool:f*', 'tool:%66'.replace('%66', 'g')],
    ['homoglyph', 'tool:fs', 'tool:f%D1%95'],
    ['homoglyph-star', 'tool:fs/method:re*', 'tool:fs/method:r%D0%B5ad'],
    ['override', 'tool:fs', 'tool:%E2%80%AEfs'],
    ['zero-width', 'tool:fs', 'tool:f%E2%80%8Bs'],
    ['combining', 'tool:q', 'tool:q%CC%88'],
    ['combining-path', `${t}/resource:/q`, `${t}/resource:/q%CC%88`],
    ['full-width', 'tool:fs', 'tool:%EF%BD%86%EF%BD%93'],
    ['full-width-slash', `${t}/resource:/a`, `${t}/resource:/a%EF%BC%8Fb`],
    ['encoded-prefix-other', 'tool:%C3*', 'tool:%C4%80'],
    ['escaped-space-cut', `${t}/resource:/a%20`, `${t}/resource:/a%20b`],
    ['escaped-once-more', `${t}/resource:/a%20b`, `${t}/resource:/a%2520b`],
    ['escaped-slash-of-two', `${t}/resource:/a%2Fb`, `${t}/resource:/a/b`],
    ['escaped-backslash', `${t}/resource:/a`, `${t}/resource:/a%5Cb`],
    ['case-of-path', `${t}/resource:/a`, `${t}/resource:/A/b`],
    ['star-not-over-segments', 'tool:fs*', 'admin:fs'],
    ['star-then-other', 'tool:*/method:read', 'tool:fs/method:write'],
    ['star-needs-segment', 'tool:fs/method:*', 'tool:fs'],
  ];
  for (const [id, grant, item] of bad) n.no(id, 'CAP-11', id, { grant, item }, 'SCOPE_MISMATCH');
  return n.done();
}
