/** A program: Portkey's gateway, as its own starter runs it. Says where it is once it answers. */

import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = probe.address() as AddressInfo;
    probe.close(() => resolve(free));
  });
});
// What it says of itself is nothing that whoever started this waits for.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = (() => true) as typeof process.stdout.write;
process.argv = [process.argv[0] ?? '', 'portkey', `--port=${port}`, '--headless'];
await import(createRequire(import.meta.url).resolve('@portkey-ai/gateway/build/start-server.js'));
const url = `http://127.0.0.1:${port}`;
for (;;) {
  const answer = await fetch(url).catch(() => undefined);
  if (answer !== undefined) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
write(`${JSON.stringify({ url })}\n`);
