import { type CryptoProvider, type IssueDeps, portableCrypto } from '@talosprotocol/protocol';

/** What the SDK reads from outside. All have defaults; tests and servers hand in their own. */
export interface RuntimeOptions {
  /** Sends requests; default the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Default the portable provider; on Node the one of `@talosprotocol/protocol/node` is many times faster. */
  readonly crypto?: CryptoProvider;
  /** Unix milliseconds; default the clock of this machine. */
  readonly now?: () => number;
  /** So many random bytes; default WebCrypto. */
  readonly random?: (length: number) => Uint8Array;
}

/** RuntimeOptions with every default filled in. */
export type Runtime = Required<RuntimeOptions>;

/** Fills in the defaults. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  return {
    // Looked up per call, so that a global `fetch` replaced later (a proxy, a tracer) is used.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    crypto: options.crypto ?? portableCrypto,
    now: options.now ?? (() => Date.now()),
    random: options.random ?? ((length) => globalThis.crypto.getRandomValues(new Uint8Array(length))),
  };
}

/** The clock in Unix seconds, as claims have it. */
export function unixSeconds({ now }: Pick<Runtime, 'now'>): number {
  return Math.floor(now() / 1000);
}

/** What the protocol's issuing reads from outside, from the same sources. */
export function issueDepsOf(runtime: Runtime): IssueDeps {
  return { crypto: runtime.crypto, now: () => unixSeconds(runtime), randomBytes: runtime.random };
}
