import { connect as connectSocket } from 'node:net';

/** One answer, read off the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawRequest {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** As they stand on the wire; `Host` is added if none is given. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
  /** Writes the body; the connection stays open until the answer is there. For bodies that never end. */
  readonly stream?: (write: (chunk: string | Uint8Array) => boolean) => void;
  /** Leaves out the empty line after the headers: `stream` goes on with them. */
  readonly unfinished?: boolean;
  readonly timeoutMs?: number;
}

/** Sends bytes that no HTTP client would send, and reads the one answer until the other side closes. */
export function rawRequest(url: string, request: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { method, target, headers = [], body = '', stream, unfinished, timeoutMs = 15_000 } = request;
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    let open = true;
    const settle = (act: () => void): void => {
      open = false;
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const finish = (): void => {
      const answer = parseAnswer(Buffer.concat(chunks));
      settle(() => (answer ? resolve(answer) : reject(new Error(`no answer to ${method} ${target}`))));
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks), method)) finish();
    });
    socket.on('close', () => open && finish());
    // A reset after the answer was sent loses nothing.
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      const length = stream === undefined ? Buffer.byteLength(body) : 0;
      const text = head(method, target, headers, new URL(url).host, length);
      socket.write(unfinished ? text.slice(0, -2) : text);
      if (stream === undefined) socket.write(body);
      else
        stream((chunk) => {
          const writable = open && socket.writable;
          if (writable) socket.write(chunk);
          return writable;
        });
    });
  });
}

function head(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
  host: string,
  length: number,
): string {
  const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${host}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(length === 0 || has('content-length') ? [] : [`Content-Length: ${length}`]),
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function parseAnswer(bytes: Buffer): RawAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(line)?.[1]);
  const headers = Object.fromEntries(
    lines.map((text) => {
      const colon = text.indexOf(':');
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()];
    }),
  );
  return { status, headers, body: bytes.subarray(end + 4).toString('utf8') };
}

function isWhole(bytes: Buffer, method: string): boolean {
  const answer = parseAnswer(bytes);
  if (answer === undefined) return false;
  const length = answer.headers['content-length'];
  if (length === undefined)
    return answer.headers['transfer-encoding'] !== undefined && answer.body.endsWith('0\r\n\r\n');
  return method === 'HEAD' || Buffer.byteLength(answer.body) >= Number(length);
}
