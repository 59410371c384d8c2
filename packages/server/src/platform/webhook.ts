import { createHmac } from 'node:crypto';
import { TrustError } from '@talosprotocol/protocol';
import type { Secret } from './secret.js';
import type { Clock } from './system.js';

/** Where people are told of what they should know, and by whose signature they believe it. */
export interface WebhookSettings {
  /** An address is a secret of many receivers. */
  readonly url: Secret<string>;
  readonly secret: Secret<Uint8Array>;
}

/** Tells a receiver, signed as Standard Webhooks say. */
export interface Webhook {
  /** Resolves once it was taken; it may be told twice. @throws {TrustError} UNAVAILABLE */
  send(id: string, message: object): Promise<void>;
}

/** Less than a transaction may stand still. */
const TIMEOUT_MS = 5_000;

export function createWebhook({ url, secret }: WebhookSettings, clock: Pick<Clock, 'now'>): Webhook {
  return {
    send: async (id, message) => {
      const body = JSON.stringify(message);
      const timestamp = String(Math.floor(clock.now() / 1000));
      const mac = createHmac('sha256', secret.reveal()).update(`${id}.${timestamp}.${body}`).digest('base64');
      const response = await fetch(url.reveal(), {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${mac}`,
        },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch(() => undefined);
      await response?.body?.cancel().catch(() => undefined);
      if (response?.ok !== true)
        // What fetch says may repeat the address.
        throw new TrustError(
          'UNAVAILABLE',
          response === undefined
            ? 'the webhook cannot be reached'
            : `the webhook answered ${response.status}`,
        );
    },
  };
}
