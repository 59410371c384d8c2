import type { IncomingMessage } from 'node:http';
import { parseAddress } from '@talosprotocol/protocol';

const CLIENT = Symbol('the address of the client');
type Named = IncomingMessage & { [CLIENT]?: string };

/** The address a request comes from: that of its socket, or the one a trusted node of ours says it was sent from. */
export function clientAddress(request: IncomingMessage): string {
  return (request as Named)[CLIENT] ?? request.socket.remoteAddress ?? 'unknown';
}

/** Takes the word of whoever passed the request on. Only for a sender that was authenticated. */
export function nameClient(request: IncomingMessage, address: string): void {
  (request as Named)[CLIENT] = address;
}

/** What limits count an address under: an IPv6 host has 2^64 addresses of its own, so that its network (/64) counts as
 *  one. An IPv4 address stands for itself, however it is written. */
export function networkOf(address: string): string {
  const bytes = address.includes(':') ? parseAddress(address) : undefined;
  if (bytes?.length !== 16) return address;
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.slice(12).join('.') : bytes.slice(0, 8).join('.');
}
