import { b64url, type Data, hex, jcs, type Members, sha256 } from './bytes.js';
import { AGENT, ANCHOR, extend, GATEWAY, hash, NOW, rootJws, SUB_AGENT } from './chain.js';
import { party } from './keys.js';

export const ORIGIN = 'talos.example/log/default';
export const LOG_KEY = party('log');
export const EXPORTER = party('exporter');
export const POLICY = hex(sha256(jcs({ anchors: [ANCHOR] })));

/** The root and the chain of the story: a bearer key below a root that allows it. */
export const BEARER_ROOT = rootJws({ bearer_below: true });
export const BEARER = extend(BEARER_ROOT, AGENT, SUB_AGENT.did, { bearer: true, aud: [GATEWAY.did] });

/** The commitment of AUD-3. */
export function commitment(pointer: string, salt: string, value: Data): string {
  return hex(sha256(`talos-commit-v1\n${pointer}\n${salt}\n${jcs(value)}`));
}

export function uuid(index: number): string {
  const time = (NOW * 1000 + index * 1000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, '0')}`;
}

export function timeOf(index: number): string {
  return new Date(NOW * 1000 + index * 1000).toISOString();
}

/** An event with what opens its commitments. */
export interface Recorded {
  readonly event: Members;
  readonly disclosures: Members[];
}

export const principal = (sub: string, pseq: number): Members => ({
  sub,
  prn: 'mailto:owner@example.com',
  pseq,
});

export type Draft = { type: string; principal?: Data; secret?: Members } & Members;

/** Records drafts as one emitter does: ids, times, numbers and hashes. */
export function record(drafts: readonly Draft[]): Recorded[] {
  let prev: string | null = null;
  return drafts.map((draft, index) => {
    const { secret = {}, ...members } = draft as Draft & { secret?: Members };
    const disclosures = Object.entries(secret).map(([name, value]) => ({
      pointer: `/${name}`,
      salt: b64url(sha256(`talos-vectors-v1 salt ${index} ${name}`)),
      value,
    }));
    const event: Members = {
      v: 1,
      id: `evt_${uuid(index)}`,
      time: timeOf(index),
      origin: ORIGIN,
      tenant: 'default',
      emitter: GATEWAY.did,
      eseq: index + 1,
      prev,
      principal: null,
      ...(members as Members),
      ...Object.fromEntries(
        disclosures.map(({ pointer, salt, value }) => [
          pointer.slice(1),
          { $c: commitment(pointer, salt, value) },
        ]),
      ),
    };
    prev = hex(sha256(jcs(event)));
    return { event, disclosures };
  });
}

export const decided = (request: number, seq: number, more: Members): Draft => ({
  type: 'decision',
  request: `req_${uuid(100 + request)}`,
  surface: 'mcp',
  code: null,
  credential: { kind: 'bearer', cth: hash(BEARER) },
  action: { method: 'tools/call', server: 'fs', tool: 'read_file', op: 'read' },
  forwarded_hash: null,
  refusal: null,
  pin: hex(sha256('pin')),
  policy: POLICY,
  source: hex(sha256('address').subarray(0, 16)),
  principal: principal(SUB_AGENT.did, seq),
  effect: 'allow',
  ...more,
});

export const item = (path: string): Data => [
  { scope: `tool:fs/method:read_file/resource:${path}`, op: 'read' },
];
export const requestHash = (path: string): Data =>
  hex(sha256(jcs({ method: 'tools/call', params: { name: 'read_file', arguments: { path } } })));

/** The story the evidence vectors tell: one start, one chain, an allowed call and its outcome, a denied call. */
export const STORY: readonly Draft[] = [
  { type: 'log.opened', boot: 1, policy: POLICY, size: 0 },
  { type: 'identity.registered', did: AGENT.did, kind: 'agent', secret: { name: 'agent \u20ac' } },
  { type: 'chain', cth: hash(BEARER), chain: BEARER },
  decided(1, 1, {
    secret: { items: item('/docs/a.md'), request_hash: requestHash('/docs/a.md') },
    forwarded_hash: null,
  }),
  {
    type: 'outcome',
    request: `req_${uuid(101)}`,
    decision: `evt_${uuid(3)}`,
    status: 'completed',
    principal: principal(SUB_AGENT.did, 2),
    secret: { response_hash: hex(sha256('answer')) },
  },
  decided(2, 3, {
    effect: 'deny',
    code: 'SCOPE_MISMATCH',
    pin: null,
    secret: {
      items: item('/etc/passwd'),
      request_hash: requestHash('/etc/passwd'),
      refusal: { link: 2, item: 'read tool:fs/method:read_file/resource:/etc/passwd' },
    },
  }),
  {
    type: 'denials',
    source: hex(sha256('address').subarray(0, 16)),
    code: 'MALFORMED',
    minute: '2026-09-21T14:13:00.000Z',
    count: 12,
  },
];
