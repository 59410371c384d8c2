import { shellWord } from '../../shell-word.js';

/** What a person pastes to use a server behind the gateway. */
export interface Snippets {
  readonly claude_code: string;
  readonly cursor: string;
  readonly vscode: string;
  readonly typescript: string;
  readonly python: string;
}

export interface SnippetFacts {
  readonly name: string;
  readonly url: string;
  readonly keyFile: string;
  /** Given only where the key may be shown; else the snippets read it from its file or from TALOS_KEY. */
  readonly key: string | undefined;
}

/** Snippets for clients that can send a bearer key. Without the key itself, each names where its client finds it. */
export function createSnippets({ name, url, keyFile, key }: SnippetFacts): Snippets {
  const quoted = shellWord(keyFile);
  const json = (value: object): string => JSON.stringify(value, null, 2);
  const authorization = (reference: string): object => ({ Authorization: `Bearer ${key ?? reference}` });
  return {
    claude_code: `claude mcp add --transport http ${name} ${url} --header "Authorization: Bearer ${key ?? `$(cat ${quoted})`}"`,
    // Both editors read these files as they are: a variable keeps the key out of a repository.
    cursor: json({ mcpServers: { [name]: { url, headers: authorization(`\${env:TALOS_KEY}`) } } }),
    vscode: json({
      ...(key === undefined ? { inputs: [vscodeInput(keyFile)] } : {}),
      servers: { [name]: { type: 'http', url, headers: authorization(`\${input:talos-key}`) } },
    }),
    typescript: `import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const key = ${key === undefined ? `readFileSync(${JSON.stringify(keyFile)}, 'utf8').trim()` : JSON.stringify(key)};
const client = new Client({ name: 'my-agent', version: '1.0.0' });
await client.connect(
  new StreamableHTTPClientTransport(new URL('${url}'), {
    requestInit: { headers: { Authorization: \`Bearer \${key}\` } },
  }),
);
console.log((await client.listTools()).tools.map((tool) => tool.name));`,
    python: `import asyncio, pathlib
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

key = ${key === undefined ? `pathlib.Path(${JSON.stringify(keyFile)}).read_text().strip()` : JSON.stringify(key)}

async def main():
    headers = {"Authorization": f"Bearer {key}"}
    async with streamablehttp_client("${url}", headers=headers) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            print([tool.name for tool in (await session.list_tools()).tools])

asyncio.run(main())`,
  };
}

function vscodeInput(keyFile: string): object {
  return {
    type: 'promptString',
    id: 'talos-key',
    description: `Talos key: the content of ${keyFile}`,
    password: true,
  };
}
