import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const source = (path: string): string => here(`../../${path}`);

/** Makes the page of its sources: one file, whose script and style are named in its policy by their hashes. */
export async function buildPage(): Promise<string> {
  const [template, style, script] = await Promise.all([
    readFile(here('../src/page/page.html'), 'utf8'),
    readFile(here('../src/page/page.css'), 'utf8'),
    bundleScript(),
  ]);
  const parts: Readonly<Record<string, string>> = { style, script, policy: policyOf(script, style) };
  return template.replaceAll(/(?:\/\*)?\{\{(\w+)\}\}(?:\*\/)?/g, (_, name: string) => parts[name] ?? '');
}

/** Writes it where `readPage` finds it. */
export async function writePage(): Promise<void> {
  await mkdir(here('../dist'), { recursive: true });
  await writeFile(here('../dist/verify.html'), await buildPage());
}

async function bundleScript(): Promise<string> {
  const bundle = await rolldown({
    input: here('../src/page/main.ts'),
    platform: 'browser',
    resolve: {
      alias: {
        '@talosprotocol/contracts': source('contracts/src/index.ts'),
        '@talosprotocol/protocol': source('protocol/src/index.ts'),
      },
    },
  });
  const { output } = await bundle.generate({ format: 'iife', codeSplitting: false, minify: true });
  await bundle.close();
  // What would end the element of the script early may stand in a text only, where this is the same.
  return output[0].code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

/** No network, no frames, no plug-ins: the one script and the one style sheet of the page, and the worker it makes of
 *  itself. */
function policyOf(script: string, style: string): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    'img-src data:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}
