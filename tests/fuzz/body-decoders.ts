import * as contracts from '@talosprotocol/contracts';
import { parseJsonObject } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { parsePolicy } from '../../packages/server/src/platform/policy-file.js';
import { type Decoder, text } from './decoder.js';

const crypto = createNodeCrypto();
const DID = 'did:key:z6MkjV5rb9rkJrjqL7V911KMwTExyc5mHNQBBnbfUqBLVeBG';
const JWS = `eyJh.eyJh.${'A'.repeat(86)}`;
const HASH = 'A'.repeat(43);
const entity = { type: 'capability', id: DID, properties: { chain: JWS } };
const resource = { type: 'tool', id: 'files', properties: { path: '/docs' } };
const subject = { kind: 'group', issuer: 'https://id.example', id: 'ops' };
const question = { subject: entity, action: { name: 'read' }, resource, context: { a: [1, null] } };

/** Every body a route takes, good ones. */
const BODIES = {
  OpenSessionRequest: [{ chain: `${JWS}~${JWS}`, proof: JWS, window: 1024 }],
  IssueCapabilityRequest: [
    { sub: DID, grants: [{ scope: 'tool:fs', ops: ['read'] }], exp: 1, limits: [{ per: 'day', calls: 1 }] },
  ],
  AuthorizeRequest: [{ chain: JWS, items: [{ scope: 'tool:fs/method:a', op: 'read' }], arguments: { a: 1 } }],
  AuthzenEvaluation: [question],
  AuthzenEvaluations: [
    { ...question, evaluations: [{ resource }, {}], options: { evaluations_semantic: 'deny_on_first_deny' } },
  ],
  RevokeRequest: [{ revocation: JWS }, { lid: HASH }, { below: DID, as: 'issuer', point: HASH }],
  RegisterIdentityRequest: [{ did: DID, kind: 'agent', name: 'Ann', proof: JWS }],
  RotateIdentityRequest: [{ statement: JWS, succession: JWS }, {}],
  DeactivateIdentityRequest: [{ statement: JWS }, {}],
  RoleRequest: [{ name: 'readers', allow: ['audit:read', 'rbac:*'], deny: ['node:read'] }],
  BindingRequest: [{ role: 'viewer', subject, scope: { kind: 'team', attributes: { team_id: 'a' } } }],
  ServiceAccountRequest: [{ name: 'ci', expires_in: 3600 }],
  RotateKeyRequest: [{ overlap: 60 }],
  CheckRequest: [{ permission: 'audit:read', scope: { kind: 'path', attributes: { path: '/a/b' } } }],
  BootstrapRequest: [{ token: `tal_boot_${HASH}` }],
  Grant: [
    { scope: 'tool:fs', ops: ['read'], where: [{ ptr: '/a', op: 'in', value: ['x', 1] }], only: ['/a'] },
  ],
  ToolManifest: [
    { op: 'read', resources: [{ ptr: '/path', kind: 'path', required: true, resolve: 'realpath' }] },
  ],
} as const;

/** Longest message of a schema that does not fit. */
const MAX_MESSAGE = 1024;

const SCHEMAS = new Map(Object.entries(contracts as Readonly<Record<string, unknown>>)) as Map<
  string,
  Parameters<typeof contracts.createChecker>[0]
>;

const bodies = Object.entries(BODIES).map(([name, good]): Decoder => {
  const check = contracts.createChecker(SCHEMAS.get(name)!);
  const seeds = good.map((one) => JSON.stringify(one));
  return text(`body ${name}`, seeds, (input) => {
    const fault = check(parseJsonObject(input));
    if (fault === undefined) return undefined;
    return fault.length <= MAX_MESSAGE ? 'refused' : `a message of ${fault.length} characters`;
  });
});

const POLICY = `version: 1
anchors:
  - iss: ${DID}
    tenant: acme
    grants: &g
      - scope: tool:files
        ops: [read]
servers:
  files:
    command: npx
    args: ["-y", "server", "\${ROOT}"]
    tools:
      read_file: { op: read, resources: [{ ptr: /path, kind: path, required: true }], pin: ${'ab'.repeat(32)} }
limits: { denialsPerMinute: 10 }
`;
const SECRET = 'hunter2-hunter2';

const policy: Decoder = {
  // Every fault of a file is named with its line.
  ...text('policy', [POLICY, 'version: 1\nservers: {}\n', '{"version":1,"anchors":[]}'], (input) => {
    const { hash } = parsePolicy(input, 'talos.yaml', { variables: { ROOT: SECRET }, crypto });
    return /^[0-9a-f]{64}$/.test(hash) ? undefined : 'has no hash';
  }),
  maxRefusal: 65_536,
};

export const BODY_DECODERS: readonly Decoder[] = [...bodies, policy];
