import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { PolicyDocument, TrustAnchor } from '@talosprotocol/contracts';
import { canonicalize, parseScope, TrustError } from '@talosprotocol/protocol';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type PolicyFault, type PolicyText, parsePolicyText } from './policy-text.js';
import { resolveVariables, type Variables } from './policy-variables.js';

const MAX_BYTES = 1024 * 1024;

/** The policy of a talos.yaml, checked. Deeply read-only: a reload makes another. */
export interface LoadedPolicy {
  /** Hex of AUD-9: over the document as written, so that no variable's value (often a secret) is in it. */
  readonly hash: string;
  /** With the variables in place. */
  readonly document: PolicyDocument;
  /** Tenant of events about callers who proved nothing: the first anchor's, else `default`. */
  readonly defaultTenant: string;
  readonly anchors: readonly TrustAnchor[];
}

/** Reads the text of a policy. @throws {TrustError} SETTINGS_INVALID that names every fault with its place */
export function parsePolicy(text: string, name: string, variables: Variables): LoadedPolicy {
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`${name} is larger than 1 MiB`);
  const source = parsePolicyText(text);
  const faults: PolicyFault[] = [...source.faults];
  const report = (path: readonly string[], message: string): void => {
    faults.push(source.faultAt(path, message));
  };
  const resolved = resolveVariables(source.value, variables, report);
  if (source.faults.length === 0) checkDocument(resolved, source, faults);
  if (faults.length > 0) throw invalid(listFaults(name, faults));
  const document = resolved as PolicyDocument;
  const anchors = document.anchors ?? [];
  const defaultTenant = anchors[0]?.tenant ?? 'default';
  return deepFreeze({ hash: hashPolicy(source.value), document, defaultTenant, anchors });
}

function checkDocument(value: unknown, source: PolicyText, faults: PolicyFault[]): void {
  const found = findFaults(PolicyDocument, value).map(({ path, message }) => source.faultAt(path, message));
  faults.push(...found);
  if (found.length > 0) return;
  const document = value as PolicyDocument;
  const issuers = new Set<string>();
  for (const [index, anchor] of (document.anchors ?? []).entries()) {
    const path = ['anchors', String(index)];
    if (issuers.has(anchor.iss)) faults.push(source.faultAt([...path, 'iss'], 'has an anchor already'));
    issuers.add(anchor.iss);
    faults.push(...scopeFaults(anchor, path, source));
  }
}

function scopeFaults(anchor: TrustAnchor, path: readonly string[], source: PolicyText): PolicyFault[] {
  return anchor.grants.flatMap((grant, index) => {
    try {
      parseScope(grant.scope, 'grant');
      return [];
    } catch (error) {
      const reason = error instanceof TrustError ? error.data.reason : undefined;
      const at = [...path, 'grants', String(index), 'scope'];
      return [source.faultAt(at, reason ?? 'is not a scope')];
    }
  });
}

interface SchemaFault {
  readonly path: readonly string[];
  readonly message: string;
}

/** The library stops after eight faults: what is wrong inside one server hides no fault of another, as each part
 *  is checked by itself. */
function findFaults(schema: TSchema, value: unknown): SchemaFault[] {
  const whole = errorsOf(schema, value, []);
  if (whole.length === 0 || !isRecord(value)) return whole;
  const { servers, anchors, ...rest } = value;
  const parts = [
    ...errorsOf(schema, { ...rest, ...(servers === undefined ? {} : { servers: {} }) }, []),
    ...(isRecord(servers) ? Object.entries(servers) : []).flatMap(([name, server]) =>
      prefixed(errorsOf(schema, { version: 1, servers: { [name]: server } }, []), []),
    ),
    ...(Array.isArray(anchors) ? anchors : []).flatMap((anchor: unknown, index) =>
      errorsOf(TrustAnchor, anchor, ['anchors', String(index)]),
    ),
  ];
  return parts.length > 0 ? unique(parts) : whole;
}

function errorsOf(schema: TSchema, value: unknown, above: readonly string[]): SchemaFault[] {
  const errors = Value.Errors(schema, value);
  const found = errors.flatMap(({ keyword, instancePath, message, params }) => {
    const path = [...above, ...splitPointer(instancePath)];
    // An unknown member is reported twice: by itself, as a schema that is `false`, and by its parent.
    if (keyword === 'additionalProperties') return [];
    if (keyword === 'boolean')
      return [{ path, message: 'is not a known member, or its name is not allowed' }];
    if (keyword !== 'required') return [{ path, message }];
    const { requiredProperties = [] } = params as { requiredProperties?: readonly string[] };
    return requiredProperties.map((member) => ({ path, message: `must have the member ${member}` }));
  });
  if (found.length > 0 || errors.length === 0) return found;
  return [{ path: above, message: 'has a member that is not known' }];
}

function prefixed(faults: readonly SchemaFault[], above: readonly string[]): SchemaFault[] {
  return faults.map(({ path, message }) => ({ path: [...above, ...path], message }));
}
