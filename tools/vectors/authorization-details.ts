import type { Members } from './bytes.js';
import { createNoun, type Noun } from './case.js';

export function authorizationDetailsNoun(): Noun {
  const n = createNoun(
    'authorization-details',
    'details are the image of grants in authorization_details of RFC 9396, and the image of what comes back are the details (CAP-29). Invalid: MALFORMED.',
  );
  const detail = {
    type: 'urn:talos:grant',
    identifier: 'tool:fs/method:read_*/resource:/data',
    actions: ['read'],
  };
  const grant = { scope: 'tool:fs/method:read_*/resource:/data', ops: ['read'] };
  const where = [{ ptr: '/path', op: 'within', value: '/data/a' }];
  const caveats = { where, only: ['/path', '/head'] };
  n.ok('one', 'CAP-29', 'one grant', { details: [detail] }, { grants: [grant] });
  n.ok(
    'caveats',
    'CAP-29',
    'where and only keep their names',
    { details: [{ ...detail, ...caveats }] },
    { grants: [{ ...grant, ...caveats }] },
  );
  n.ok(
    'order',
    'CAP-29',
    'grants and operations keep their order, and equal ones are kept',
    { details: [{ ...detail, actions: ['write', 'read'] }, detail, detail] },
    { grants: [{ ...grant, ops: ['write', 'read'] }, grant, grant] },
  );
  const wrong: [string, Members][] = [
    ['another-type', { type: 'urn:talos:grants' }],
    ['case-of-type', { type: 'URN:talos:grant' }],
    ['locations', { locations: ['https://fs.example'] }],
    ['datatypes', { datatypes: ['contacts'] }],
    ['privileges', { privileges: ['admin'] }],
    ['unknown-member', { constraints: [] }],
    ['scope', { scope: 'tool:*' }],
    ['unknown-action', { actions: ['read', 'execute'] }],
    ['no-actions', { actions: [] }],
    ['action-twice', { actions: ['read', 'read'] }],
    ['identifier-no-scope', { identifier: 'https://fs.example/data' }],
    ['unknown-operator', { where: [{ ptr: '/path', op: 'regex', value: '.*' }] }],
    ['where-empty', { where: [] }],
  ];
  for (const [id, change] of wrong)
    n.no(id, 'CAP-29', id, { details: [{ ...detail, ...change }] }, 'MALFORMED');
  n.no('second', 'CAP-29', 'of two the second', { details: [detail, { ...detail, type: 'x' }] }, 'MALFORMED');
  n.no('empty', 'CAP-29', 'no object', { details: [] }, 'MALFORMED');
  n.no('no-array', 'CAP-29', 'one object', { details: detail }, 'MALFORMED');
  n.ok(
    'most',
    'CAP-29',
    'as many as a link may have grants',
    { details: Array(128).fill(detail) },
    { grants: Array(128).fill(grant) },
  );
  n.no('too-many', 'CAP-29', '129 objects', { details: Array(129).fill(detail) }, 'MALFORMED');
  return n.done();
}
