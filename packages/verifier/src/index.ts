import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The verifier's page (AUD-64). */
export interface VerifierPage {
  /** The whole file. */
  readonly html: string;
  /** Its content security policy, which it states itself too. */
  readonly policy: string;
}

/** Where the build puts it. */
export const PAGE_FILE = fileURLToPath(new URL('../dist/verify.html', import.meta.url));

/** Reads the page as it was built.
 *  @throws {Error} ENOENT: it was not built (`npm run build`) */
export async function readPage(): Promise<VerifierPage> {
  const html = await readFile(PAGE_FILE, 'utf8');
  const [, policy = "default-src 'none'"] =
    /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  return { html, policy };
}
