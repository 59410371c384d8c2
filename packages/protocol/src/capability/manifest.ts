import { createChecker, ToolManifest, type ToolResource } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalBytes } from '../encoding/jcs.js';
import type { JsonObject } from '../encoding/json.js';
import { malformed } from '../error.js';
import { type Pointer, parsePointer } from './pointer.js';

/** A manifest whose pointers are parsed. Made by parseManifest only. */
export interface ParsedManifest {
  /** The manifest as hashed: its members and no other. */
  readonly source: ToolManifest;
  readonly resources: readonly ParsedResource[];
}

/** One resource of a manifest and its pointer. */
export interface ParsedResource extends ToolResource {
  readonly pointer: Pointer;
}

const check = createChecker(ToolManifest);

/** Reads a tool's manifest (DEC-8).
 *  @throws {TrustError} MALFORMED: not of the schema, or `resolve` for what is not a path */
export function parseManifest(value: unknown): ParsedManifest {
  const fault = check(value);
  if (fault !== undefined) throw malformed(`a manifest: ${fault}`);
  const source = value as ToolManifest;
  return { source, resources: source.resources.map(parseResource) };
}

/** The pin of a tool (DEC-8): hex SHA-256 over the configured server name, the tool object exactly as the upstream
 *  announces it, and the manifest. Any change to name, schema, annotations or manifest changes it.
 *  @throws {TrustError} MALFORMED: the tool object has no canonical form */
export function toolPin(
  pinned: { readonly server: string; readonly tool: JsonObject; readonly manifest: ParsedManifest },
  crypto: CryptoProvider,
): string {
  const { server, tool } = pinned;
  return crypto.sha256Hex(canonicalBytes({ manifest: pinned.manifest.source, server, tool }));
}

function parseResource(resource: ToolResource): ParsedResource {
  if (resource.resolve !== undefined && resource.kind !== 'path') {
    throw malformed('a manifest that resolves what is not a path');
  }
  return { ...resource, pointer: parsePointer(resource.ptr) };
}
