import { isJsonObject, isTrustError, type JsonValue, parseJson } from '@talosprotocol/protocol';
import type { Announcement } from './feed-store.js';

/** Reads what a node was told; undefined for anything else, for whoever reaches the database may notify. */
export function parseAnnouncement(payload: string): Announcement | undefined {
  const told = parseOrNothing(payload);
  if (!isJsonObject(told) || typeof told['iss'] !== 'string') return undefined;
  const { iss, n, heartbeat } = told;
  if (typeof heartbeat === 'string') return { iss, heartbeat };
  return typeof n === 'number' ? { iss, n } : undefined;
}

function parseOrNothing(payload: string): JsonValue | undefined {
  try {
    return parseJson(payload);
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
