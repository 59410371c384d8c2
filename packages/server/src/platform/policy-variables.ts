/** Reports something wrong with the string at `path`. */
type Report = (path: readonly string[], message: string) => void;

/** Variables a text may refer to. */
export type Variables = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$|\$\{([^}]*)\}|\$\{/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** A copy of the policy in which `${NAME}` is replaced by the variable in the values of `command`, `args`, `cwd`
 *  and `env` of each server, of `oidc.clientSecret` and of `rpc` of each of `audit.anchors`, and nowhere else; `$$` stands for `$`. A reference to a variable that is not there, or
 *  that is not well formed, is reported; the variable's value never is. Takes any data: it runs before the check. */
export function resolveVariables(policy: unknown, variables: Variables, report: Report): unknown {
  if (!isRecord(policy)) return policy;
  return resolveAnchors(
    resolveServers(resolveOidc(policy, variables, report), variables, report),
    variables,
    report,
  );
}

type Members = Readonly<Record<string, unknown>>;

function resolveOidc(policy: Members, variables: Variables, report: Report): Members {
  const { oidc } = policy;
  if (!isRecord(oidc) || typeof oidc['clientSecret'] !== 'string') return policy;
  const say = (message: string): void => report(['oidc', 'clientSecret'], message);
  return { ...policy, oidc: { ...oidc, clientSecret: expand(oidc['clientSecret'], variables, say) } };
}

function resolveServers(policy: Members, variables: Variables, report: Report): Members {
  if (!isRecord(policy['servers'])) return policy;
  const servers = mapMembers(policy['servers'], (server, name) => {
    if (!isRecord(server)) return server;
    return mapMembers(server, (value, member) => {
      const path = ['servers', name, member];
      const replace = (at: readonly string[], text: unknown): unknown =>
        typeof text === 'string' ? expand(text, variables, (message) => report(at, message)) : text;
      if (member === 'command' || member === 'cwd') return replace(path, value);
      if (member === 'args' && Array.isArray(value)) {
        return value.map((item: unknown, index) => replace([...path, String(index)], item));
      }
      if (member === 'env' && isRecord(value)) {
        return mapMembers(value, (item, key) => replace([...path, key], item));
      }
      return value;
    });
  });
  return { ...policy, servers };
}

/** The address of an RPC endpoint often holds a key. */
function resolveAnchors(policy: Members, variables: Variables, report: Report): Members {
  const { audit } = policy;
  if (!isRecord(audit) || !Array.isArray(audit['anchors'])) return policy;
  const anchors = audit['anchors'].map((anchor: unknown, index) => {
    if (!isRecord(anchor) || typeof anchor['rpc'] !== 'string') return anchor;
    const say = (message: string): void => report(['audit', 'anchors', String(index), 'rpc'], message);
    return { ...anchor, rpc: expand(anchor['rpc'], variables, say) };
  });
  return { ...policy, audit: { ...audit, anchors } };
}

function expand(text: string, variables: Variables, report: (message: string) => void): string {
  return text.replace(REFERENCE, (whole: string, name: string | undefined) => {
    if (whole === '$$') return '$';
    if (name === undefined || !NAME.test(name)) {
      report('holds a $ { that is no reference to a variable; write $$ for a plain $');
      return '';
    }
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) report(`refers to the variable ${name}, which is not set`);
    return value ?? '';
  });
}

function mapMembers(
  record: Readonly<Record<string, unknown>>,
  change: (value: unknown, name: string) => unknown,
): Record<string, unknown> {
  // Built as entries: an own member named __proto__ stays one, and is then refused by the schema.
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
