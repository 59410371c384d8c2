/** A program: a provider that speaks OpenAI's chat completions, at once or after so many milliseconds (its argument). What it answers is ready:
 *  what is measured is what stands in front of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const delay = Number(process.argv[2] ?? 0);
const USAGE = { prompt_tokens: 120, completion_tokens: 40, total_tokens: 160 };
const content =
  'It is what it is, and says so in forty tokens or thereabouts, as answers of models do. '.repeat(3);
const base = { id: 'chatcmpl-bench', created: 1_700_000_000, model: 'bench' };
const whole = Buffer.from(
  JSON.stringify({
    ...base,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: USAGE,
  }),
);
const chunk = (more: object): string =>
  `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', ...more })}\n\n`;
const events = [
  ...content
    .split(/(?<= )/)
    .map((word) => chunk({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] })),
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
  chunk({ choices: [], usage: USAGE }),
  'data: [DONE]\n\n',
];

const server = createServer((request, response) => {
  let isStream = false;
  request.on('data', (data: Buffer) => {
    isStream ||= data.includes('"stream":true');
  });
  request.on('end', () => {
    const answer = (): void => {
      if (!isStream) {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': String(whole.length),
        });
        response.end(whole);
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(event);
      response.end();
    };
    if (delay === 0) answer();
    else setTimeout(answer, delay);
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
});
