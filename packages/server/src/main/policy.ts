import {
  type CryptoProvider,
  canonicalize,
  lintGrants,
  parseManifest,
  TrustError,
} from '@talosprotocol/protocol';
import { createEntrance } from '../platform/entrance.js';
import type { Log } from '../platform/log.js';
import { createPolicyView, type LoadedPolicy } from '../platform/policy-file.js';
import type { Settings } from '../platform/settings.js';

type GatewayPolicy = import('../gateway/admission/ports.js').Policy;
type KernelPolicy = import('../kernel/ports.js').KernelPolicy;

/** One policy, as each room reads it. All views change in the same step. */
export interface Policies {
  readonly tenant: string;
  current(): LoadedPolicy;
  kernel(): KernelPolicy;
  gateway(): GatewayPolicy;
  /** Reads talos.yaml again and puts it in force once `admit` has resolved; on any fault what is in force stays.
   *  @throws {TrustError} SETTINGS_INVALID, and what `admit` throws */
  reload(admit: (policy: LoadedPolicy) => Promise<void>): Promise<string>;
}

type CompileGateway = (policy: LoadedPolicy) => GatewayPolicy;

interface Views {
  readonly loaded: LoadedPolicy;
  readonly kernel: KernelPolicy;
  readonly gateway: GatewayPolicy;
}

/** Opens talos.yaml. @throws {TrustError} SETTINGS_INVALID */
export async function openPolicies(options: {
  readonly path: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly crypto: CryptoProvider;
  readonly compileGateway: CompileGateway;
  readonly log: Log;
  readonly environment: Settings['environment'];
  /** True if other processes may serve the same callers, and count for themselves. */
  readonly countsAlone?: boolean;
}): Promise<Policies> {
  const view = await createPolicyView(options);
  const compile = (loaded: LoadedPolicy): Views => ({
    loaded,
    kernel: compileKernel(loaded),
    gateway: options.compileGateway(loaded),
  });
  const tenant = view.current().defaultTenant;
  assertOneTenant(view.current(), tenant);
  assertRatesHold(view.current(), options.environment);
  let views = compile(view.current());
  const warn = (loaded: LoadedPolicy): void => {
    for (const hint of findWideGrants(loaded))
      options.log.warn('a trust anchor grants more than it seems to', { hint });
    if (options.countsAlone === true && (loaded.document.rates ?? []).length > 0)
      options.log.warn('each node counts rates by itself', { hint: 'set TALOS_REDIS_URL on every node' });
  };
  warn(views.loaded);
  const reload: Policies['reload'] = async (admit) => {
    const loaded = await view.reload();
    assertOneTenant(loaded, tenant);
    assertSameStorage(loaded, views.loaded);
    assertRatesHold(loaded, options.environment);
    const next = compile(loaded);
    await admit(loaded);
    views = next;
    options.log.info('policy loaded', { path: options.path });
    warn(loaded);
    return loaded.hash;
  };
  // One after another: of two reloads the one that read the file later is in force in the end.
  const { enter } = createEntrance({ inside: 1, waiting: 16 });
  return {
    tenant,
    current: () => views.loaded,
    kernel: () => views.kernel,
    gateway: () => views.gateway,
    reload: (admit) => enter(() => reload(admit)),
  };
}

/** What nobody should issue (CAP-27), in the grants of the anchors: it counts there, since the policy is the operator's. */
export function findWideGrants({ anchors }: LoadedPolicy): readonly string[] {
  return [...anchors.values()].flatMap(({ iss, source }) =>
    lintGrants(source.grants).map(({ at, what }) => `anchor ${iss}, ${at}: ${what}`),
  );
}

/** A log belongs to one tenant (AUD-10), and this process keeps one log. */
function assertOneTenant({ anchors }: LoadedPolicy, tenant: string): void {
  const other = [...anchors.values()].find((anchor) => anchor.tenant !== tenant);
  if (other === undefined) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `the anchor ${other.iss} is of tenant ${other.tenant}, this process serves ${tenant}`,
    {
      hint: 'give all anchors the same tenant; another tenant needs a process with a data folder of its own',
    },
  );
}

/** What may not be counted is not let through in production, whatever the file says (LIM-6). */
function assertRatesHold({ document }: LoadedPolicy, environment: Settings['environment']): void {
  const index = (document.rates ?? []).findIndex(({ onDown }) => onDown === 'allow');
  if (environment !== 'production' || index < 0) return;
  throw new TrustError('SETTINGS_INVALID', `rates[${index}].onDown is allow, and this is production`, {
    hint: 'leave onDown out: while nobody can count, calls are refused',
  });
}

/** The log is opened once: where its tiles lie cannot change under it. */
function assertSameStorage(next: LoadedPolicy, before: LoadedPolicy): void {
  const of = ({ document }: LoadedPolicy): string => canonicalize(document.audit?.storage ?? null);
  if (of(next) === of(before)) return;
  throw new TrustError('SETTINGS_INVALID', 'audit.storage is read at the start, and was changed', {
    hint: 'start the platform again: it makes the tiles of the log anew in the other place',
  });
}

function compileKernel({ hash, defaultTenant, anchors, document }: LoadedPolicy): KernelPolicy {
  const manifests = new Map(
    Object.entries(document.servers).flatMap(([server, { tools = {} }]) =>
      Object.entries(tools).map(
        ([tool, { pin: _, ...manifest }]) => [`${server} ${tool}`, parseManifest(manifest)] as const,
      ),
    ),
  );
  return { hash, defaultTenant, anchors, manifestOf: (server, tool) => manifests.get(`${server} ${tool}`) };
}
