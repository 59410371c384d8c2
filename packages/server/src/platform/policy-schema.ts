import { PolicyDocument, TrustAnchor } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createCosignatureVerifier,
  createNoteVerifier,
  createWitnessPolicy,
  isTrustError,
  parseAnchor,
  parseManifest,
} from '@talosprotocol/protocol';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** What is wrong with one member, found without knowing where it stands in the file. */
export interface MemberFault {
  readonly path: readonly string[];
  readonly message: string;
}

/** Everything wrong with a policy: its schema first; if that holds, what the schema cannot say. */
export function findPolicyFaults(value: unknown, crypto: CryptoProvider): readonly MemberFault[] {
  const shape = shapeFaults(value);
  return shape.length > 0 ? shape : meaningFaults(value as PolicyDocument, crypto);
}

/** The library stops after eight faults, so each server and anchor is checked by itself: what is wrong inside one
 *  hides no fault of another. */
function shapeFaults(value: unknown): readonly MemberFault[] {
  const whole = errorsOf(PolicyDocument, value, []);
  if (whole.length === 0 || !isRecord(value)) return whole;
  const { servers, anchors, ...rest } = value;
  const named = isRecord(servers) ? Object.entries(servers) : [];
  const listed = Array.isArray(anchors) ? anchors : [];
  const others = { ...rest, ...(servers === undefined ? {} : { servers: named.length > 0 ? {} : servers }) };
  const parts = [
    ...errorsOf(PolicyDocument, listed.length > 0 ? others : { ...others, ...optional({ anchors }) }, []),
    ...named.flatMap(([name, server]) =>
      errorsOf(PolicyDocument, { version: 1, servers: Object.fromEntries([[name, server]]) }, []),
    ),
    ...listed.flatMap((anchor: unknown, index) => errorsOf(TrustAnchor, anchor, ['anchors', String(index)])),
  ];
  return parts.length > 0 ? parts : whole;
}

function optional(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function errorsOf(schema: TSchema, value: unknown, above: readonly string[]): MemberFault[] {
  const errors = Value.Errors(schema, value);
  const faults = errors.flatMap(({ keyword, instancePath, message, params }): MemberFault[] => {
    const path = [...above, ...splitPointer(instancePath)];
    // An unknown member is reported twice: as a schema that is `false`, and by the object that holds it.
    if (keyword === 'additionalProperties') return [];
    if (keyword === 'boolean') return [{ path, message: 'is not known here' }];
    if (keyword !== 'required') return [{ path, message }];
    const { requiredProperties = [] } = params as { requiredProperties?: readonly string[] };
    return requiredProperties.map((member) => ({ path, message: `must have the member ${member}` }));
  });
  if (faults.length > 0 || Value.Check(schema, value)) return faults;
  return [{ path: above, message: 'is not valid' }];
}

function splitPointer(pointer: string): string[] {
  const tokens = pointer.split('/').slice(1);
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function meaningFaults(policy: PolicyDocument, crypto: CryptoProvider): readonly MemberFault[] {
  const issuers = new Set<string>();
  const faults: MemberFault[] = [];
  for (const [index, anchor] of (policy.anchors ?? []).entries()) {
    const path = ['anchors', String(index)];
    if (issuers.has(anchor.iss)) faults.push({ path: [...path, 'iss'], message: 'has an anchor already' });
    issuers.add(anchor.iss);
    for (const [position, grant] of anchor.grants.entries()) {
      const at = [...path, 'grants', String(position)];
      faults.push(...refusal(at, () => parseAnchor({ ...anchor, grants: [grant] }, crypto)));
    }
  }
  for (const [name, server] of Object.entries(policy.servers)) {
    for (const [tool, { pin: _, ...manifest }] of Object.entries(server.tools ?? {})) {
      faults.push(...refusal(['servers', name, 'tools', tool], () => parseManifest(manifest)));
    }
  }
  return [...faults, ...rateFaults(policy), ...witnessFaults(policy, crypto)];
}

/** Rates that could limit nothing, or that say twice how much. */
function rateFaults({ rates = [] }: PolicyDocument): readonly MemberFault[] {
  const faults: MemberFault[] = [];
  const seen = new Set<string>();
  for (const [index, { per, surface, model, requests, tokens, concurrent }] of rates.entries()) {
    const path = ['rates', String(index)];
    if (requests === undefined && tokens === undefined && concurrent === undefined)
      faults.push({ path, message: 'must have one of requests, tokens and concurrent' });
    if (surface === 'mcp' && (per === 'model' || model !== undefined || tokens !== undefined))
      faults.push({ path, message: 'is about models, which calls of tools have nothing to do with' });
    const whose = JSON.stringify([per, surface, model]);
    if (seen.has(whose)) faults.push({ path, message: 'counts what another rate counts already' });
    seen.add(whose);
  }
  return faults;
}

/** Keys of logs and witnesses that no checkpoint could ever be verified with. */
function witnessFaults({ audit, witness }: PolicyDocument, crypto: CryptoProvider): readonly MemberFault[] {
  const faults: MemberFault[] = [];
  const { witnesses = [], quorum = 0 } = audit ?? {};
  const keys = witnesses.map(({ vkey }) => vkey);
  for (const [index, vkey] of keys.entries())
    faults.push(
      ...refusal(['audit', 'witnesses', String(index), 'vkey'], () =>
        createCosignatureVerifier(crypto, vkey),
      ),
    );
  if (faults.length === 0)
    faults.push(...refusal(['audit'], () => createWitnessPolicy(crypto, { witnesses: keys, quorum })));
  for (const [index, { vkey }] of (witness?.logs ?? []).entries())
    faults.push(
      ...refusal(['witness', 'logs', String(index), 'vkey'], () => createNoteVerifier(crypto, vkey)),
    );
  return faults;
}

function refusal(path: readonly string[], parse: () => unknown): MemberFault[] {
  try {
    parse();
    return [];
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return [{ path, message: `holds ${error.data.reason ?? 'something that is refused'}` }];
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
