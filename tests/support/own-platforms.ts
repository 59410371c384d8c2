import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attenuateToBearer, parseBundle, parseTrustFile, verifyBundle } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { buildServer, endAllPlatforms, startPlatform } from './platform-process.js';
import {
  type Cast,
  castOf,
  crypto,
  deps,
  ODD_TOOLS,
  type Operator,
  oddServer,
  pinServers,
  seconds,
} from './world.js';

const ODD = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];

type Env = Readonly<Record<string, string>>;

/** For test files that start platforms in processes of their own: what is left of them ends after each test. */
export function usePlatforms() {
  let program: Awaited<ReturnType<typeof buildServer>>;
  const folders: string[] = [];

  beforeAll(async () => {
    program = await buildServer();
  });
  afterEach(async () => {
    await endAllPlatforms();
    for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
  });
  afterAll(() => program.remove());

  /** A folder of a test, with a data folder and a journal of the tool server in it. */
  const newPlace = () => {
    const path = mkdtempSync('/tmp/talos-fault-');
    // As root the database runs as another user, who must get through.
    chmodSync(path, 0o711);
    folders.push(path);
    return { data: join(path, 'data'), journal: join(path, 'journal') };
  };
  const start = (data: string, env: Env = {}) => startPlatform(program.path, data, env);
  /** A platform with the odd server, whose family is complete: it has a grandchild. */
  const startWithTools = async ({ data, journal }: ReturnType<typeof newPlace>, env: Env = {}) => {
    const platform = await start(data, env);
    await pinServers(platform, { odd: oddServer(journal, 'family') }, { odd: ODD_TOOLS });
    const cast = await castOf(platform, { docs: '/' }, { grants: ODD });
    return { platform, cast };
  };
  return { newPlace, start, startWithTools, program: () => program.path };
}

/** A bearer key made of the agent's capability. */
export function keyOf(
  { agentChain, agent }: Cast,
  more: Partial<Parameters<typeof attenuateToBearer>[1]> = {},
): string {
  const options = { aud: 'same', grants: 'same', exp: seconds() + 600, ...more } as const;
  return attenuateToBearer(agentChain, options, agent.signer, deps);
}

/** Everything in the log, verified offline. */
export async function wholeLog({ audit }: Pick<Operator, 'audit'>) {
  const bytes = await audit.bundle();
  const trust = parseTrustFile(Buffer.from(JSON.stringify(await audit.trust())), crypto);
  const report = verifyBundle(bytes, trust, crypto);
  const { bundle } = parseBundle(bytes, crypto);
  return { report, bundle, events: bundle.entries.map(({ event }) => event) };
}

/** The id of the event that a receipt is of. */
export const idOf = (receipt: string): string => `evt_${receipt.slice('rcp_'.length)}`;
