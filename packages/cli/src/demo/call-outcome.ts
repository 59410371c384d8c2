import type { Denial } from '@talosprotocol/sdk';

/** What became of one call. */
export type CallOutcome =
  | { readonly allowed: true; readonly text: string; readonly failed: boolean }
  | { readonly allowed: false; readonly denial: Denial };

/** A request exactly as it went over the wire, to be sent again. */
export interface SentRequest {
  readonly url: URL;
  readonly init: RequestInit;
}

/** The official MCP client, and what it sent last. */
export interface Calls {
  readonly tools: () => Promise<readonly string[]>;
  call(tool: string, args: Record<string, unknown>): Promise<CallOutcome>;
  /** The last `tools/call` as sent. */
  lastSent(): SentRequest | undefined;
  close(): Promise<void>;
}
