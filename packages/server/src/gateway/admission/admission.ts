import type { ActionRecord } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import type { Admission, AdmissionDeps, Arrival, Call, Surface, Verdict } from './call.js';
import { credentialOf, type Examined, examine, type Presented, unverifiedRecord } from './credential.js';
import { decide } from './decide.js';
import type { CallFacts, Decided } from './dispatch.js';
import { type Refusal, toRefusal } from './hint.js';
import { rethrowOutage } from './outage.js';
import type { Authenticated, SurfaceName } from './ports.js';
import type { CallWatch } from './watch.js';

/** Builds admission. Order (DEC-4): address limiter, what a session header shows, a bearer key or
 *  proof as far as it shows, body and syntax, credential, items
 *  and grants, rates, what is to be called, limits, record, dispatch; the first failure ends it.
 *  The function throws where nothing could be decided or recorded: UNAVAILABLE, DISK_FULL, and what `read` throws. */
export function createAdmission(deps: AdmissionDeps): Admission {
  const admit = createAdmit(deps);
  return (arrival, surface) => {
    const watch = deps.watch(arrival, surface.name);
    return watch.closes(admit(arrival, surface, watch));
  };
}

type Admit = <M, A>(arrival: Arrival, surface: Surface<M, A>, watch: CallWatch) => Promise<Verdict<M, A>>;

function createAdmit(deps: AdmissionDeps): Admit {
  return async (arrival, surface, watch) => {
    const refuse = async (action: ActionRecord, presented: Presented | undefined, error: unknown) =>
      refuseCaller(deps, arrival, { surface: surface.name, action, presented, watch }, error);
    let presented: Presented | undefined;
    try {
      deps.limiter.take(arrival.address);
      presented = credentialOf(arrival.rawHeaders, surface.keyHeaders);
      if (presented.kind === 'session') deps.authority.peekSession(presented.authorization);
    } catch (error) {
      return refuse(surface.action, presented, error);
    }
    const examined = await examine(deps.authority, presented, arrival);
    const { fault, principal } = examined;
    const read = await surface
      .read(presented.signed, fault !== undefined, principal)
      .catch((error: unknown) => (isUnread(error, fault) ? undefined : Promise.reject(error)));
    if (read === undefined) return refuse(surface.action, presented, fault?.error);
    const { message, body } = read;
    let caller: Authenticated;
    try {
      const { method, target } = arrival;
      caller = await examined.identify({ method, target, headers: presented.signed, body });
    } catch (error) {
      return { ...(await refuse(surface.actionOf(message), presented, error)), message };
    }
    const call = surface.callOf(message, caller);
    if (call === undefined) return { kind: 'identified', caller, message };
    const facts = factsOf(deps, arrival, { surface: surface.name, watch }, caller, call);
    return verdictOf(await decide(deps, caller, call, facts), message);
  };
}

function isUnread(error: unknown, fault: Examined['fault']): boolean {
  return fault !== undefined && isTrustError(error) && error.code === 'TOO_LARGE';
}

interface Attempt {
  readonly surface: SurfaceName;
  readonly action: ActionRecord;
  readonly presented: Presented | undefined;
  readonly watch: CallWatch;
}

/** A refusal of whoever proved nothing is recorded before it is answered, like any other. */
async function refuseCaller(
  deps: AdmissionDeps,
  { requestId, address }: Arrival,
  { surface, action, presented, watch }: Attempt,
  error: unknown,
): Promise<{ kind: 'unauthenticated'; refusal: Refusal; receipt?: string }> {
  rethrowOutage(error);
  const { hash, defaultTenant } = deps.policy();
  watch.decides({ action, policy: hash });
  const refusal = toRefusal(error);
  const uuid = deps.drafts.uuid();
  const draft = deps.drafts.decision({
    uuid,
    request: requestId,
    surface,
    address,
    action,
    credential: unverifiedRecord(presented, deps.drafts.hashText),
    tenant: defaultTenant,
    policy: hash,
    refusal,
  });
  const recorded = await deps.sink.recordDenial(draft, { address });
  return { kind: 'unauthenticated', refusal, ...(recorded === undefined ? {} : { receipt: `rcp_${uuid}` }) };
}

/** Member by member, here and in `verdictOf`: it is done for every call, and what is added to an object that was spread costs many
 *  times as much. */
function factsOf(
  { drafts, policy }: AdmissionDeps,
  { requestId, address }: Arrival,
  { surface, watch }: Pick<CallFacts, 'surface' | 'watch'>,
  caller: Authenticated,
  { action, request }: Call<unknown>,
): CallFacts {
  return {
    watch,
    uuid: drafts.uuid(),
    request: requestId,
    surface,
    address,
    tenant: caller.capability.tenant,
    policy: policy().hash,
    action,
    credential: caller.credential,
    caller,
    requestHash: drafts.hashRequest(request),
  };
}

function verdictOf<M, A>(decided: Decided<A>, message: M): Verdict<M, A> {
  const { kind, receipt, rates } = decided;
  if (kind === 'answered')
    return { kind, receipt, rates, message, answer: decided.answer, warnings: decided.warnings };
  return kind === 'denied'
    ? { kind, receipt, rates, message, refusal: decided.refusal }
    : { kind, receipt, message };
}
