import type { Readable } from 'node:stream';
import type { JsonObject } from '@talosprotocol/protocol';

/** A part of a protocol, as far as a host is concerned. */
export interface HostedProtocol {
  /** Of the record. */
  readonly method: string;
  /** Below the base URL of whoever serves it as it is written. */
  readonly path: string;
  /** Headers that show a key there. */
  keyHeaders(key: string | undefined): Readonly<Record<string, string>>;
}

/** A call as it goes to a host. */
export interface HostedCall {
  readonly dialect: HostedProtocol;
  /** As the host knows it. */
  readonly model: string;
  readonly stream: boolean;
  /** Betas of Anthropic's protocol that go with it. */
  readonly betas?: readonly string[];
}

/** What is needed to show a host its key. */
export interface ShownKey {
  readonly dialect: HostedProtocol;
  /** Undefined if it wants none. */
  readonly key: string | undefined;
  readonly url: string;
  readonly betas?: readonly string[];
  readonly body: Uint8Array;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Who serves models: where calls of a protocol go there, how a key is shown, and how answers come. The protocol is the
 *  same everywhere. */
export interface ModelHost {
  /** @throws {TrustError} UNKNOWN_MODEL: the host does not serve this part of the protocol */
  assertServes(dialect: HostedProtocol): void;
  /** Below the base URL, with the query. */
  path(call: HostedCall): string;
  /** The request as this host takes it. */
  body(request: JsonObject, call: HostedCall): JsonObject;
  headers(shown: ShownKey): Promise<Readonly<Record<string, string>>>;
  /** `content-type` of its streams. */
  readonly streamType: string;
  /** A stream of it as server-sent events. */
  events(body: Readable): Readable;
}
