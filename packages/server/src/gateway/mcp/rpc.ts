import type { JsonObject, JsonValue } from '@talosprotocol/protocol';

/** The protocol revisions we speak (DEC-5). */
export const ERA_2025 = '2025-11-25';
export const ERA_2026 = '2026-07-28';
export type Era = typeof ERA_2025 | typeof ERA_2026;

/** Revisions that a client of the first era may name. */
export const VERSIONS_2025: readonly string[] = [ERA_2025, '2025-06-18', '2025-03-26', '2024-11-05'];

/** JSON-RPC 2.0 section 5.1, and what MCP adds. */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  transport: -32000,
  /** Ours: a refusal, with DEC-7 data. */
  refused: -32010,
  headerMismatch: -32020,
  unsupportedVersion: -32022,
} as const;

export type RpcId = string | number;

/** A request that is refused as JSON-RPC before anything is decided. */
export class RpcFault extends Error {
  readonly status: number;
  readonly code: number;
  readonly id: RpcId | null;
  readonly data: JsonValue | undefined;

  constructor(status: number, code: number, message: string, id: RpcId | null = null, data?: JsonValue) {
    super(message);
    this.status = status;
    this.code = code;
    this.id = id;
    this.data = data;
  }
}

/** A request or notification, parsed and of one era. `params` is without `_meta`. */
export interface McpMessage {
  readonly era: Era;
  readonly kind: 'request' | 'notification' | 'response';
  /** Of a request. */
  readonly id: RpcId | undefined;
  readonly method: string;
  readonly params: JsonObject;
  /** Of `_meta`, as it was sent: where a client's own trace goes on (SEP-414). */
  readonly traceparent?: string;
}
