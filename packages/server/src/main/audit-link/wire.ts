import {
  AuditBatchAnswer,
  type AuditPolicy,
  AuditRefusal,
  type AuditState,
  AuditState as AuditStateSchema,
  type Checker,
  createChecker,
  type RequestRecord,
} from '@talosprotocol/contracts';
import { parseJsonObject, TrustError } from '@talosprotocol/protocol';
import type { CallableNode, NodeCaller } from '../../platform/cluster/node-caller.js';
import type { NodeRegistry } from '../../platform/cluster/registry.js';
import type { Clock } from '../../platform/system.js';
import { UnsureError } from '../../platform/unsure-error.js';

/** The routes of the audit process for nodes, and what it last said of itself. */
export interface AuditWire {
  /** Hands a batch in. @throws {TrustError} UNAVAILABLE: it was not sent; UnsureError: it may have been taken */
  send(batch: string): Promise<AuditBatchAnswer>;
  /** Asks whether events are taken. @throws {TrustError} UNAVAILABLE */
  ask(): Promise<void>;
  /** @throws {TrustError} UNAVAILABLE: it did not answer; what the audit process refuses it for. So does findRequest. */
  recordPolicy(policy: AuditPolicy): Promise<void>;
  findRequest(id: string): Promise<RequestRecord | undefined>;
  /** What was said within the last seconds; undefined if nothing was. */
  state(): AuditState | undefined;
  /** What it said does not hold any more. */
  forget(): void;
}

export interface AuditWireDeps {
  readonly registry: Pick<NodeRegistry, 'live'>;
  readonly caller: Pick<NodeCaller, 'post'>;
  readonly clock: Clock;
}

/** Longest time since the audit process last said that it takes events. */
const SILENCE_MS = 5_000;
const LIMITS = { timeoutMs: 10_000, maxBytes: 1_048_576 } as const;

const checkBatchAnswer = createChecker(AuditBatchAnswer);
const checkRefusal = createChecker(AuditRefusal);
const checkState = createChecker(AuditStateSchema);

export function createAuditWire({ registry, caller, clock }: AuditWireDeps): AuditWire {
  let heard: { readonly state: AuditState; readonly at: number } | undefined;
  const hear = (state: AuditState): void => {
    heard = { state, at: clock.monotonic() };
  };
  const post = async (path: string, json: string): Promise<object> => {
    const body = await caller.post(findAudit(registry), path, json, LIMITS);
    return parseJsonObject(body, { maxBytes: LIMITS.maxBytes, floats: true });
  };
  /** What may be asked again without harm is not unsure. */
  const ask = async (path: string, value: object): Promise<object> => {
    const answer = await post(path, JSON.stringify(value)).catch((error: unknown) => {
      throw new TrustError('UNAVAILABLE', 'the audit process did not answer', {}, error);
    });
    if (checkRefusal(answer) === undefined) throw refusalOf(answer as AuditRefusal);
    return answer;
  };
  return {
    send: async (batch) => {
      const answer = checked<AuditBatchAnswer>(await post('/talos/v1/audit/events', batch), checkBatchAnswer);
      hear(answer.state);
      return answer;
    },
    ask: async () => hear(checked<AuditState>(await ask('/talos/v1/audit/state', {}), checkState)),
    recordPolicy: async ({ hash, anchors }) => {
      await ask('/talos/v1/audit/policies', { hash, anchors });
    },
    findRequest: async (id) => {
      const { record } = (await ask('/talos/v1/audit/requests', { request_id: id })) as {
        record?: RequestRecord;
      };
      return record ?? undefined;
    },
    state: () =>
      heard !== undefined && clock.monotonic() - heard.at <= SILENCE_MS ? heard.state : undefined,
    forget: () => {
      heard = undefined;
    },
  };
}

function refusalOf({ error: { code, reason, hint } }: AuditRefusal): TrustError {
  const data = hint === undefined ? {} : { hint };
  return new TrustError(code, reason ?? 'the audit process refuses', data);
}

/** The log has one writer: where two seem to live, it is the one that started last. */
function findAudit(registry: Pick<NodeRegistry, 'live'>): CallableNode {
  const [last] = registry
    .live()
    .flatMap(({ node, boot, url, services, started }) =>
      url === null || !services.includes('audit') ? [] : [{ node, boot, url, started: started.getTime() }],
    )
    .sort((a, b) => b.started - a.started);
  if (last === undefined) throw new TrustError('UNAVAILABLE', 'no audit process lives');
  return last;
}

function checked<T>(answer: object, check: Checker): T {
  const fault = check(answer);
  if (fault === undefined) return answer as T;
  throw new UnsureError(`the audit process answered with ${fault}`, undefined);
}
