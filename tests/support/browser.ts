import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** Starts Debian's Chromium, which is installed if it is not there and we may.
 *  @throws {Error} there is none: a test that needs a browser fails, and is not passed over */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium() ?? installChromium();
  // Without a locale of UTF-8 it does not find files whose names are not ASCII.
  return chromium.launch({ executablePath, args: QUIET, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
}

function findChromium(): string | undefined {
  return PLACES.find((path) => existsSync(path));
}

function installChromium(): string {
  if (process.getuid?.() === 0) {
    spawnSync('apt-get', ['update'], { stdio: 'ignore' });
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { stdio: 'ignore' });
  }
  const found = findChromium();
  if (found !== undefined) return found;
  throw new Error('these tests need Chromium: apt-get install chromium');
}
