import { canonicalBytes, createSigner, formatTime } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

const crypto = createNodeCrypto();
const emitter = createSigner(new Uint8Array(32).fill(31), crypto).did;
const sub = createSigner(new Uint8Array(32).fill(32), crypto).did;

/** What a dishonest operator writes into an event. */
export interface EventChange {
  readonly eseq?: number;
  readonly prev?: string;
  readonly pseq?: number;
  readonly origin?: string;
  readonly more?: number;
}

/** Entries of a log in which one agent is refused again and again; `changes` by index. */
export function events(
  origin: string,
  count: number,
  changes: Readonly<Record<number, EventChange>> = {},
): Uint8Array[] {
  let prev: string | null = null;
  return Array.from({ length: count }, (_, index) => {
    const { pseq = index + 1, ...change } = changes[index] ?? {};
    const uuid = `01890000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
    const event = {
      v: 1,
      id: `evt_${uuid}`,
      time: formatTime(1_790_000_000_000 + index),
      type: 'denials',
      origin,
      tenant: 'default',
      emitter,
      eseq: index + 1,
      prev,
      principal: { sub, pseq },
      source: 'ab'.repeat(16),
      code: 'REVOKED',
      minute: '2026-09-21T14:13:00.000Z',
      count: 1,
      ...change,
    };
    const bytes = canonicalBytes(event);
    prev = crypto.sha256Hex(bytes);
    return bytes;
  });
}
