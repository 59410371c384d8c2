import type { IncomingMessage } from 'node:http';

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
