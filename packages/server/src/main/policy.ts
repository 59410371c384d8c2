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
}): Promise<Policies> {
  const view = await createPolicyView(options);
  const compile = (loaded: LoadedPolicy): Views => ({
    loaded,
    kernel: compileKernel(loaded),
    gateway: options.compileGateway(loaded),
  });
  const tenant = view.current().defaultTenant;
  assertOneTenant(view.current(), tenant);
  let views = compile(view.current());
  const warn = (loaded: LoadedPolicy): void => {
    for (const hint of findWideGrants(loaded))
      options.log.warn('a trust anchor grants more than it seems to', { hint });
  };
  warn(views.loaded);
  const reload: Policies['reload'] = async (admit) => {
    const loaded = await view.reload();
    assertOneTenant(loaded, tenant);
    assertSameStorage(loaded, views.loaded);
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
