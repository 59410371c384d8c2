import {
  commit,
  createNoteVerifier,
  createSigner,
  createTreeHasher,
  disclose,
  encodeUtf8,
  issueCapability,
  type LogFault,
  type ParsedChain,
  parseTrustFile,
  type Signer,
  signProof,
  type Trust,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { examineLog } from '../../archive/examine-log.js';
import type { AuditDraft } from '../../draft.js';
import { type Audit, createAudit } from '../../service.js';
import {
  ADMIN,
  type AuditWorld,
  auditDeps,
  type Changes,
  chainDraft,
  decision,
  gateway,
  newUuid,
  outcome,
} from '../../testing/room.js';
import { openTileStore } from '../../tile-store.js';

const crypto = createNodeCrypto();
export const DAY = 86_400_000;
const BEGINNING = Date.parse('2026-03-01T12:00:00.000Z');

const organisation = createSigner(new Uint8Array(32).fill(5), crypto);
export const [one, two] = [21, 22].map((n) => createSigner(new Uint8Array(32).fill(n), crypto)) as [
  Signer,
  Signer,
];
const grants = [
  { scope: 'tool:files', ops: ['read' as const, 'write' as const] },
  { scope: 'llm:fake', ops: ['write' as const] },
];
const anchors = [{ iss: organisation.did, tenant: 'default', grants, bearerMax: 365 * 86_400 }];

/** A chain that is in use long after it was announced. */
function chainFor(holder: Signer): ParsedChain {
  const now = BEGINNING / 1000;
  const claims = {
    sub: holder.did,
    aud: [gateway.did],
    grants,
    exp: now + 365 * 86_400,
    bearer: true,
  };
  return issueCapability(claims, organisation, {
    crypto,
    now: () => now,
    randomBytes: (length) => new Uint8Array(length).fill(1),
  });
}
export const chains = { one: chainFor(one), two: chainFor(two) };

/** A log with a clock that is ours. */
export interface OldLog {
  readonly audit: Audit;
  readonly tiles: string;
  /** Unix milliseconds; what passes between two reads passes evenly. */
  pass(ms: number): void;
  now(): number;
  /** The clock is set, and no time passes. */
  jump(ms: number): void;
  start(changes?: Changes): Promise<void>;
  record(...drafts: AuditDraft[]): Promise<void>;
  /** Calls with their outcomes, in pairs. */
  calls(count: number, whose?: keyof typeof chains): Promise<AuditDraft<'decision'>[]>;
  signed(): Promise<void>;
  prune(before?: string): ReturnType<Audit['prune']>;
  trust(): Promise<Trust>;
  bundle(ask?: Parameters<Audit['bundle']>[0]): Promise<Uint8Array>;
  fsck(): Promise<{ readonly faults: readonly LogFault[]; readonly pruned: number }>;
  stop(): Promise<void>;
}

export const iso = (ms: number): string => new Date(ms).toISOString();

/** Starts an empty log. */
export async function openOldLog(world: AuditWorld, changes: Changes = {}): Promise<OldLog> {
  const tiles = await world.fresh();
  const time = { wall: BEGINNING, run: 0 };
  const clock = { now: () => time.wall, monotonic: () => performance.now() + time.run };
  const policy = () => ({ hash: 'ab'.repeat(32), anchors });
  let audit: Audit | undefined;
  const current = (): Audit => {
    if (audit === undefined) throw new Error('the log is not open');
    return audit;
  };
  const record: OldLog['record'] = async (...drafts) => {
    await Promise.all(drafts.map((draft) => current().record(draft as never)));
  };
  const log: OldLog = {
    get audit() {
      return current();
    },
    tiles,
    pass: (ms) => {
      time.wall += ms;
      time.run += ms;
    },
    jump: (ms) => {
      time.wall += ms;
    },
    now: () => time.wall,
    start: async (more = {}) => {
      audit = createAudit(auditDeps(world.sql, tiles, { clock, policy, ...changes, ...more }));
      await audit.start();
    },
    record,
    calls: async (count, whose = 'one') => {
      const { cth, leaf } = chains[whose];
      const drafts = Array.from({ length: count }, () => decision({ cth, sub: leaf.claims.sub }));
      for (let at = 0; at < count; at += 100)
        await record(...drafts.slice(at, at + 100).flatMap((draft) => [draft, outcome(draft)]));
      return drafts;
    },
    signed: async () => {
      await current().reach((await current().stats()).sequenced, 10_000);
    },
    prune: (before = iso(time.wall - 2 * DAY)) => current().prune({ before }, ADMIN),
    trust: async () => parseTrustFile(encodeUtf8(JSON.stringify(await current().trust())), crypto),
    bundle: async (ask = {}) => {
      let text = '';
      for await (const part of await current().bundle(ask)) text += part;
      return encodeUtf8(text);
    },
    fsck: async () => {
      const store = await openTileStore(tiles);
      const faults: LogFault[] = [];
      const { pruned } = await examineLog({
        sql: world.sql,
        source: store.read,
        shown: await store.readCheckpoint(),
        origin: 'talos.test/log/default',
        verifier: createNoteVerifier(crypto, current().vkey),
        hasher: createTreeHasher(crypto.sha256),
        crypto,
        onFault: (fault) => void faults.push(fault),
        onProgress: () => undefined,
      });
      return { faults, pruned };
    },
    stop: async () => audit?.stop(),
  };
  await log.start();
  return log;
}

/** A log that announces two chains, with `old` calls of some months ago (and an outcome each) and `young` ones of today. */
export async function openGrownLog(
  world: AuditWorld,
  changes: Changes = {},
  { old = 300, young = 200 } = {},
): Promise<{ readonly log: OldLog; readonly first: AuditDraft<'decision'> }> {
  const log = await openOldLog(world, changes);
  for (const { cth, chain } of Object.values(chains)) await log.record(chainDraft(cth, chain));
  const [first] = await log.calls(old);
  log.pass(300 * DAY);
  await log.calls(young);
  await log.signed();
  return { log, first: first as AuditDraft<'decision'> };
}

/** A revocation that an administrator made. */
export function revocation(lid: string): AuditDraft<'revocation'> {
  const members = { lid, by: 'administrator', revocation: null, chain_hash: null } as const;
  return {
    id: `evt_${newUuid()}`,
    type: 'revocation',
    tenant: 'default',
    principal: null,
    disclosures: [],
    members,
  };
}

/** A session of one of the agents that was opened now, and a call in it. */
export function session(now: number): {
  readonly opened: AuditDraft<'session.opened'>;
  readonly call: AuditDraft<'decision'>;
} {
  const { cth } = chains.one;
  const sid = `ses_${'A'.repeat(38)}`;
  const iat = Math.floor(now / 1000);
  const proof = signProof(
    {
      aud: gateway.did,
      iat,
      jti: newUuid(),
      htm: 'POST',
      htu: 'http://127.0.0.1:8001/talos/v1/sessions',
      cth,
      nonce: 'A'.repeat(64),
      epk: 'A'.repeat(43),
    },
    one,
  );
  const opened: AuditDraft<'session.opened'> = {
    id: `evt_${newUuid()}`,
    type: 'session.opened',
    tenant: 'default',
    principal: { sub: one.did },
    disclosures: [],
    members: { sid, cth, exp: iso((iat + 900) * 1000), proof },
  };
  const made = decision({ cth, sub: one.did });
  const credential = { kind: 'session', cth, sid, seq: 1, rid: newUuid() } as const;
  return { opened, call: { ...made, members: { ...made.members, credential } } };
}

/** The same request of models, each because the one before it had no answer (AUD-128). */
export function attempts(
  { members }: AuditDraft<'decision'>,
  models: readonly string[],
): AuditDraft<'decision'>[] {
  const drafts: AuditDraft<'decision'>[] = [];
  for (const model of models) {
    const [items, salt] = [[{ scope: `llm:fake/model:${model}`, op: 'write' }], new Uint8Array(32).fill(7)];
    const after = drafts.at(-1)?.id;
    drafts.push({
      ...decision({ cth: members.credential.cth ?? '', sub: one.did }),
      disclosures: [disclose('/items', items, salt)],
      members: {
        ...members,
        surface: 'llm',
        action: { method: 'chat/completions', provider: 'fake', model, op: 'write' },
        items: commit('/items', items, salt, crypto),
        pin: null,
        ...(after === undefined ? {} : { after }),
      },
    });
  }
  return drafts;
}
