/** A program: what a proxy costs that decides nothing. It passes requests to a provider (its argument) with undici, and answers back,
 *  bit by bit as they come. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, stream } from 'undici';

const [, , provider = ''] = process.argv;
const dispatcher = new Agent({ connections: 256 });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (data: Buffer) => void chunks.push(data));
  request.on('end', () => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-bench' };
    const options = { dispatcher, method: 'POST', headers, body: Buffer.concat(chunks) } as const;
    void stream(`${provider}${request.url ?? ''}`, options, ({ statusCode, headers: answered }) => {
      const length = answered['content-length'];
      response.writeHead(statusCode, {
        'content-type': String(answered['content-type']),
        ...(length === undefined ? {} : { 'content-length': String(length) }),
      });
      return response;
    }).catch(() => response.destroy());
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void dispatcher.close();
});
