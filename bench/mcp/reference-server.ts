/** A program: the same tool server as behind the gateway, over streamable HTTP with the official SDK and nothing in
 *  between. `reference-server.js own` serves it in this process, `stdio` passes messages on to a child. */
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/** One JSON document an answer, as the gateway gives it: less work than a stream of events. */
const transport = new StreamableHTTPServerTransport({
  sessionIdGenerator: randomUUID,
  enableJsonResponse: true,
});

interface Everything {
  createServer(): { readonly server: { connect(transport: StreamableHTTPServerTransport): Promise<void> } };
}

async function serveOwn(): Promise<void> {
  const entry = import.meta.resolve('@modelcontextprotocol/server-everything/dist/server/index.js');
  const { createServer } = (await import(entry)) as Everything;
  await createServer().server.connect(transport);
}

async function relayToChild(): Promise<void> {
  const program = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
  const child = new StdioClientTransport({ command: process.execPath, args: [program], stderr: 'ignore' });
  transport.onmessage = (message) => void child.send(message);
  child.onmessage = (message) => void transport.send(message).catch(() => undefined);
  process.once('SIGTERM', () => void child.close().then(() => process.exit(0)));
  await child.start();
  await transport.start();
}

await (process.argv[2] === 'stdio' ? relayToChild() : serveOwn());
const http = createHttpServer((request, response) => void transport.handleRequest(request, response));
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}/mcp` })}\n`);
});
