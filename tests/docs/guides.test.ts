import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startLocalCalendar,
  startLocalExplorer,
} from '../../packages/server/src/audit/anchor/ots/testing/local-calendar.js';
import { openTestDatabase, type TestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { urlOf } from '../support/nodes.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Block {
  readonly kind: 'sh' | 'background' | 'file';
  readonly name: string;
  readonly text: string;
}

/** The blocks of a page that are run: `sh`, `sh background`, and files; `no-run` and output are not. */
function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```$/gm)].flatMap(
    ([, language, flags = '', text = '']): Block[] => {
      const file = /file=(\S+)/.exec(flags)?.[1];
      if (file !== undefined) return [{ kind: 'file', name: file, text }];
      if (language !== 'sh' || flags.includes('no-run')) return [];
      return [
        { kind: flags.includes('background') ? 'background' : 'sh', name: text.split('\n')[0] ?? '', text },
      ];
    },
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the commands of each page print, in this order. */
const SAID: Readonly<Record<string, readonly RegExp[]>> = {
  'first-capability.md': [
    /allowed: Ask for the least you need\./,
    /refused: SCOPE_MISMATCH link 1/,
    /refused: REVOKED link 1/,
    /^PROVEN/m,
    /NOT PROVEN/,
  ],
  'audit.md': [
    /^Ask for the least you need\.\n+refused: [\s\S]*?SCOPE_MISMATCH/m,
    / decision allow tools\/call files\/read_text_file [\s\S]*? decision deny SCOPE_MISMATCH tools\/call files\/read_text_file /, // tail
    /^PROVEN/m,
    /^PROVEN/m, // of one agent
    /^NOT PROVEN[^\n]*another bundle/m, // changed
    /^NOT PROVEN[^\n]*another bundle/m, // short
    /^PROVEN/m, // later
    /^denied: not granted/m, // what the outsider's key may not do
    /^Nothing is wrong/m, // watch
    /^PROVEN/m, // erased
    /^Nothing is wrong/m, // fsck
    /^Nothing is wrong/m, // fsck of the copy
  ],
  'witnesses.md': [
    /^talos\.local\/[0-9a-f]{16}\/witness\+[0-9a-f]{8}\+/m,
    /^2 of 2 witnesses must have seen a checkpoint\.\n[\s\S]*?(?:^ok {4}talos\.local\/\w+\/witness {2}cosigned \d+ events[^\n]*\n[^\n]*\n){2}/m,
    /^PROVEN[\s\S]*?^ {2}witness {4}talos\.local/m,
    /^PROVEN/m,
    /^NOT PROVEN: 2 of 2 witnesses must have cosigned the checkpoint: this one is signed by none of them/m,
  ],
  'llm-gateway.md': [
    /^Behind the gateway\./m,
    /^allowed: You said: Hello\s+stand-in\/small, 0\.000\d+ USD/m,
    /^streamed: You said: Hello/m,
    /^refused: 403 SCOPE_MISMATCH[^\n]*\n/m,
    /^refused: 403 CONSTRAINT_VIOLATED[^\n]*\n/m,
    /(^allowed[^\n]*\n[^\n]*\n){2}refused: 402 BUDGET_EXCEEDED/m,
    /Denied: BUDGET_EXCEEDED {2}req_/, // why
    /(^allowed[^\n]*\n[^\n]*\n){3}refused: 402 BUDGET_EXCEEDED - The operator of this gateway set this budget/m,
    /^allowed[^\n]*\n[\s\S]*^everybody {2}hard, for all, per month, [\d-]+ 00:00 to [\d-]+ 00:00 Europe\/Berlin\n {2}all +\[[#.]+\] +\d+ % {2}0\.\d+ USD of 0\.10 USD used, 0\.\d+ USD left[\s\S]*^each-key {2}hard, for key, in total\n {2}\S+ +\[[#.]+\] +9 % {2}9 of 100 calls used, 91 left {2}\(5 calls of it leased; until [\d-]+ [\d:]+ in place of 3 calls;[\s\S]*"left": 91/m,
    /^allowed: You said: Write to jo@example\.com\n[\s\S]*^streamed: You said: Write to jo@example\.com\nWrite to \[EMAIL_1\]\nrefused: 403 CONTENT_REFUSED - The guard no-secrets found secret \(1\)/m,
    / decision allow chat\/completions stand-in\/small /, // tail
    /^PROVEN/m,
    /^stand-in\/small {2}0\.\d+ USD {2}\(/m, // recomputed
    /^refused: 401 REVOKED/m,
    /^translated: You said: Hello \(5 tokens\)\nstreamed: You said: Hello\nrefused: 403 top_k is not passed on: [^\n]*without loss/m,
    /^refused: 403 POLICY_DENIED - Link \d limits cost, and nobody knows how much papers\/reader takes at once[\s\S]*?^allowed: You said: What does it say\? report\.pdf\n[\s\S]*?^refused: 402 BUDGET_EXCEEDED/m,
    /^refused: 403 CONTENT_REFUSED - The guard no-secrets found document \(1\)[\s\S]*?^allowed: You said: What does it say\? report\.pdf$/m,
    /^ {2}chat = openai\/gpt-4o-mini, azure\/mini \(weight\)/m, // import
  ],
  'anchors.md': [
    /"code": "UNAVAILABLE"[\s\S]*?"hint": "send some of the coin of the chain to 0x[0-9a-f]{40}"/,
    /^Anchor of the first \d+ events \(evm\) in /m,
    /^evm eip155:31337 0x[0-9a-f]{40} 0x[0-9a-f]{40}\n {2}proven {3}size \d+, block \d+; /m,
    /^Trust file in [^\n]*\n {2}anchored in 0x[0-9a-f]{40} on eip155:31337: /m,
    /^NOT PROVEN: the trust file names no block \d+ of eip155:31337\.[\s\S]*?^ {2}hint +look block \d+ up [^\n]*"blocks" of the trust file$/m,
    /^PROVEN\nThe first \d+ events of talos\.local\/\S+ existed before block \d+ of eip155:31337 /m,
    /^PROVEN: [\s\S]*?All of this existed before block \d+ of [^\n]*31337/m, // the bundle
    /^PROVEN[\s\S]*?is the word of the endpoint\.$/m,
    /^NOT PROVEN: the trust file names no contract on eip155:31337 for talos\.local\/[^\n]*[\s\S]*?^ {2}hint +add \{ "chain": "eip155:31337", [^\n]*"contracts" of the trust file; [^\n]*--trust-out/m,
    /^opentimestamps\n {2}proven {3}nothing yet; 1 under way$/m,
    /^Anchor of the first \d+ events \(opentimestamps\) in /m,
    /"message": "[^"]*names no Bitcoin block 900000"[\s\S]*?"hint": "look block 900000 up /,
    /^PROVEN\n[^\n]* existed before block 900000 of bitcoin /m,
  ],
  'object-storage.md': [
    /^tile$/m,
    /^checkpoint\S*\ntile$/m,
    /^PROVEN: [\s\S]*?The history of \d+ records that you kept is the beginning of this one/m,
    /^Nothing is wrong/m,
  ],
  'several-nodes.md': [/(?:^ +\d+\*? .* lives .*\n){3}/m, /8 of 8 answered, on 2 nodes, in 1 session/],
  'authorization.md': [
    /limit {6}\{"calls":3,"per":"total"\}/, // inspect
    /^Allowed\.\n\n {2}link {2}says {5}of\n {2}0 {5}allowed[\s\S]*?^Denied: SCOPE_MISMATCH\n {2}link {4}2\n[\s\S]*?^Denied: SCOPE_MISMATCH\n {2}link {4}1\n/m,
    /(reader, by session, allowed: Ask for the least you need\.\s+){3}/,
    /reader, by session, refused: BUDGET_EXCEEDED by link 2/,
    /Denied: BUDGET_EXCEEDED {2}req_[\s\S]*hint +did:key:\w+ set this limit; it is used up for good/, // why
    /^allowed: \*:\* of platform-admin/m, // rbac check
    /^denied: not granted/m,
    /"code":"FORBIDDEN"[^\n]*capability:issue is not permitted/,
    /"effect":"deny","code":"SCOPE_MISMATCH","link":1/, // authorize
    /^\{"decision":true\}$/m, // AuthZEN
    /^Denied: SCOPE_MISMATCH\n {2}link {4}0, the trust anchor\n/m, // the anchor
    /researcher, by session, refused: SCOPE_MISMATCH by link 0/,
    /"text":"Ask for the least you need\.\\n"[\s\S]*"code":"CONSTRAINT_VIOLATED","link":2/, // bearer keys
    /researcher, by request, allowed: Ask for the least you need\./,
    /^signed: 200 Ask for the least you need\./m,
    /^1 pinned in /m, // a price
    /(researcher, by session, allowed: Ask for the least you need\.\s+){2}researcher, by session, refused: BUDGET_EXCEEDED by link 1/,
    /^Revoked what did:key:\w+ handed on below/m,
    /researcher, by session, allowed: Ask for the least you need\./,
    /^Revoked \S+, in force since/m,
    /researcher, by session, refused: REVOKED by link 1/,
  ],
};

/** One block of a page. */
const LONGEST_MS = 240_000;

/** What a command prints when it is there: ours, the chain, the bucket. */
const UP = /(?:Talos|The witness|The stand-in) is up\.|^(?:Listening|S3rver listening) on /m;

const pages = readdirSync(join(root, 'docs/guides')).filter((name) => name.endsWith('.md'));

interface Bitcoin {
  readonly env: NodeJS.ProcessEnv;
  /** Brings what was handed in into a block. */
  mine(): void;
  close(): Promise<void>;
}

/** Calendar and explorer of a page. */
async function startBitcoin(): Promise<Bitcoin> {
  const calendar = await startLocalCalendar();
  const explorer = await startLocalExplorer(() => calendar.blocks);
  let mined = 0;
  return {
    env: { CALENDAR: calendar.url, EXPLORER: explorer.url },
    mine: () => {
      if (calendar.received.length > mined) calendar.mine();
      mined = calendar.received.length;
    },
    close: async () => {
      await Promise.all([calendar.close(), explorer.close()]);
    },
  };
}

describe.each(pages)('docs/guides/%s', (page) => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const running: { readonly text: string; readonly child: ChildProcess }[] = [];
  let bitcoin: Bitcoin | undefined;
  let database: TestDatabase | undefined;
  const printed: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'talos-guide-'));
    chmodSync(folder, 0o711);
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'talos'),
      `#!/bin/sh\nexec node '${join(root, 'packages/cli/bundle/main.js')}' "$@"\n`,
      { mode: 0o755 },
    );
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const [kernel, gateway, audit] = [await freePort(), await freePort(), await freePort()];
    env = {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: folder,
      TALOS_DATA: join(folder, 'data'),
      TALOS_KERNEL_PORT: String(kernel),
      TALOS_GATEWAY_PORT: String(gateway),
      TALOS_AUDIT_PORT: String(audit),
      GATEWAY: `http://127.0.0.1:${gateway}`,
      KERNEL: `http://127.0.0.1:${kernel}`,
      AUDIT: `http://127.0.0.1:${audit}`,
    };
    if (page === 'llm-gateway.md') env['STAND_IN'] = String(await freePort());
    if (page === 'witnesses.md')
      Object.assign(env, { W1: String(await freePort()), W2: String(await freePort()) });
    if (page === 'object-storage.md')
      Object.assign(env, {
        S3: String(await freePort()),
        TALOS_S3_ACCESS_KEY_ID: 'S3RVER',
        TALOS_S3_SECRET_ACCESS_KEY: 'S3RVER',
      });
    if (page === 'anchors.md') {
      const chain = await freePort();
      bitcoin = await startBitcoin();
      Object.assign(env, { CHAIN: String(chain), ANCHOR_RPC: `http://127.0.0.1:${chain}`, ...bitcoin.env });
    }
    if (page === 'several-nodes.md') {
      database = await openTestDatabase();
      env['TALOS_DATABASE_URL'] = urlOf(database);
      env['SECOND'] = String(await freePort());
    }
  });

  afterAll(async () => {
    for (const { child } of running) await stop(child);
    await bitcoin?.close();
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is executed as it stands', { timeout: 480_000 }, async () => {
    const blocks = blocksOf(readFileSync(join(root, 'docs/guides', page), 'utf8'));
    expect(blocks.length).toBeGreaterThan(3);
    // Variables of one block are seen by the next, as in one terminal.
    let carried = '';
    for (const { kind, name, text } of blocks) {
      if (kind === 'file') writeFileSync(join(folder, name), text);
      else if (kind === 'background') await startInBackground(text);
      else {
        const { status, output } = await execute(`${carried}${text}`);
        printed.push(output);
        expect(status, `${name}\n${output}`).toBe(0);
        carried += text
          .split('\n')
          .filter((line) => /^\w+=/.test(line))
          .map((line) => `${line}\n`)
          .join('');
      }
    }
  });

  it('came out as the page says', () => {
    const text = printed.join('');
    expect(SAID[page]).toBeDefined();
    let rest = text;
    for (const said of SAID[page] ?? []) {
      expect(rest).toMatch(said);
      const found = said.exec(rest);
      rest = rest.slice((found?.index ?? 0) + (found?.[0].length ?? 0));
    }
  });

  /** Beside this process, which answers as calendar and explorer meanwhile. What is said comes first, then what is said
   *  beside it. */
  async function execute(
    script: string,
  ): Promise<{ readonly status: number | null; readonly output: string }> {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MS,
    });
    const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const output = Buffer.concat([...chunks.stdout, ...chunks.stderr]).toString('utf8');
    return { status, output };
  }

  async function stop(child: ChildProcess): Promise<void> {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  /** A command that runs already is started again, as somebody does after Ctrl-C in its terminal. */
  async function startInBackground(text: string): Promise<void> {
    const at = running.findIndex((one) => one.text === text);
    if (at >= 0) for (const { child } of running.splice(at, 1)) await stop(child);
    // Hours pass while nothing runs.
    bitcoin?.mine();
    const child = spawn('bash', ['-c', `exec ${text}`], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push({ text, child });
    await new Promise<void>((resolve, reject) => {
      let output = '';
      const look = (chunk: Buffer): void => {
        output += chunk.toString();
        if (UP.test(output)) resolve();
      };
      child.stdout?.on('data', look);
      child.stderr?.on('data', look);
      child.once('close', () => reject(new Error(`${text} ended: ${output}`)));
    });
  }
});
