import type { IncomingMessage } from 'node:http';
import { PROBLEMS, type Principal } from '@talosprotocol/contracts';
import { type CryptoProvider, encodeUtf8, isTrustError, type TrustError } from '@talosprotocol/protocol';
import { clientAddress } from '../../platform/client-address.js';
import { presentedToken } from '../../platform/presented-token.js';
import { requestIdOf } from '../../platform/request-id.js';
import type { Clock, Random } from '../../platform/system.js';
import { createEventDrafts } from '../event-drafts.js';
import type { AuditSink, DraftOf, KernelPolicy } from '../ports.js';

/** Records who was refused on the admin surface, up to the rate of denials (AUD-5). */
export interface Refusals {
  /** Resolves when it is durable or counted. What is no refusal of the caller is not recorded.
   *  @throws {TrustError} UNAVAILABLE: the log does not take it */
  record(request: IncomingMessage, refused: Refused): Promise<void>;
}

export interface Refused {
  readonly error: unknown;
  readonly permission: string | undefined;
  /** Who it was, if it showed that. */
  readonly principal: Principal | undefined;
}

export interface RefusalsDeps {
  readonly audit: Pick<AuditSink, 'recordDenial'>;
  readonly policy: () => Pick<KernelPolicy, 'hash' | 'defaultTenant'>;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

type Members = DraftOf<'decision'>['members'];

export function createRefusals(deps: RefusalsDeps): Refusals {
  const { audit, policy, crypto } = deps;
  const { draft, seal, sealActor } = createEventDrafts(deps);
  return {
    record: async (request, { error, permission, principal }) => {
      const code = isTrustError(error) ? codeOf(error) : undefined;
      if (code === undefined) return;
      const { hash, defaultTenant: tenant } = policy();
      const actor = sealActor(principal);
      const why = seal('/refusal', whereOf(error as TrustError));
      const members = {
        request: requestIdOf(request),
        surface: 'admin',
        effect: 'deny',
        code,
        credential: principal === undefined ? shownBy(request, crypto) : { kind: 'bearer' },
        action: { method: `admin/${permission ?? 'none'}` },
        items: null,
        request_hash: null,
        forwarded_hash: null,
        refusal: why.commitment,
        pin: null,
        policy: hash,
        ...actor.members,
      } satisfies Members;
      const address = clientAddress(request);
      const disclosures = [...why.disclosures, ...actor.disclosures];
      const body = { type: 'decision', tenant, members, disclosures } as const;
      // One caller has many addresses, and many share one: who is known is counted by name.
      const source = principal === undefined ? address : `${principal.kind} ${principal.id}`;
      await audit.recordDenial({ ...draft<'decision'>(body), address }, { address: source });
    },
  };
}

/** Undefined for what is a fault of ours. */
function codeOf({ code }: TrustError): Members['code'] | undefined {
  if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN') return code;
  if (code === 'UNAVAILABLE' || !PROBLEMS[code].decision) return undefined;
  return code as Members['code'];
}

const MAX_CAVEAT = 1024;
/** Of a character that was cut. */
const HALF = /[\uD800-\uDBFF]$/;

/** AUD-6: where it failed; for people, what was wrong with it. */
function whereOf({ data: { link, item, caveat, hint, reason } }: TrustError): object {
  const said = caveat ?? reason;
  return {
    ...(link === undefined ? {} : { link }),
    ...(item === undefined ? {} : { item }),
    ...(hint === undefined ? {} : { hint: hint.slice(0, MAX_CAVEAT).replace(HALF, '') }),
    ...(said === undefined ? {} : { caveat: said.slice(0, MAX_CAVEAT).replace(HALF, '') }),
  };
}

const SHOWN = /^Bearer ([\x21-\x7e]{1,256})$/i;

/** Of what was presented there is a hash only (AUD-5). */
function shownBy({ headers }: IncomingMessage, { sha256Hex }: CryptoProvider): Members['credential'] {
  const key = SHOWN.exec(headers.authorization ?? '')?.[1];
  if (key === undefined) return { kind: 'none' };
  return { kind: 'bearer', ...presentedToken(key, (text) => sha256Hex(encodeUtf8(text))) };
}
