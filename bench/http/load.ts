import { connect, type Socket } from 'node:net';

/** One request of a mix, and what its answer must hold. */
export interface LoadRequest {
  /** Without headers of the connection; the body is sent as it is. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A piece of the answer that is there only if it is right. */
  readonly expect: string;
}

/** What one turn found out. */
export interface LoadTurn {
  /** Requests per second. */
  readonly rate: number;
  /** Milliseconds that each request took. */
  readonly latencies: Float64Array;
}

/** A load on one server, over connections with one request under way at a time. */
export interface Load {
  /** Sends so many requests, spread over all connections. They are opened anew, before the time is taken: a server
   *  closes those that had nothing to do while it was another's turn.
   *  @throws {Error} an answer that is not the expected one, or a lost connection */
  run(count: number): Promise<LoadTurn>;
}

/** Makes the load. Written on bare sockets: a client library would cost more than some of the servers. */
export function createLoad(url: string, connections: number, requests: readonly LoadRequest[]): Load {
  const { host, hostname, port } = new URL(url);
  const wire = requests.map((request) => ({ bytes: encodeRequest(request, host), expect: request.expect }));
  let next = 0;
  const take = (): WireRequest => wire[next++ % wire.length] as WireRequest;
  return {
    run: async (count) => {
      const opening = Array.from({ length: connections }, () => openSocket(hostname, Number(port)));
      const sockets = await Promise.all(opening);
      try {
        return await exchangeAll(sockets, count, take);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
    },
  };
}

async function exchangeAll(
  sockets: readonly Socket[],
  count: number,
  take: () => WireRequest,
): Promise<LoadTurn> {
  const latencies = new Float64Array(count);
  let begun = 0;
  let ended = 0;
  const work = async (socket: Socket): Promise<void> => {
    while (begun < count) {
      begun += 1;
      latencies[ended++] = await exchange(socket, take());
    }
  };
  const start = performance.now();
  await Promise.all(sockets.map(work));
  return { rate: count / ((performance.now() - start) / 1000), latencies };
}

interface WireRequest {
  readonly bytes: Buffer;
  readonly expect: string;
}

function encodeRequest({ path, headers, body }: LoadRequest, host: string): Buffer {
  const lines = Object.entries({
    host,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

function exchange(socket: Socket, { bytes, expect }: WireRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    let answer = '';
    const onData = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!isComplete(answer)) return;
      done();
      if (answer.includes(expect)) resolve(performance.now() - begun);
      else reject(new Error(`an answer without ${expect}: ${answer.slice(0, 600)}`));
    };
    const onClose = (): void => {
      done();
      reject(new Error('the server closed a connection'));
    };
    const done = (): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(bytes);
  });
}

/** All servers measured here state the length of their answers, or send them in chunks. */
function isComplete(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const headers = answer.slice(0, head + 2);
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(headers)) return answer.endsWith('\r\n0\r\n\r\n');
  const length = /\r\ncontent-length: ([0-9]+)\r\n/i.exec(headers)?.[1];
  return length !== undefined && answer.length >= head + 4 + Number(length);
}
