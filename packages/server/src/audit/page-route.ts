import type { ServerResponse } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';
import type { Route } from '../platform/routes.js';

/** The verifier's page, as it was built. */
interface VerifierPage {
  readonly html: string;
  /** Its content security policy. */
  readonly policy: string;
}

/** `GET /verify` answers the page on which anybody verifies evidence (AUD-64). It is everybody's: it holds nothing of ours, and
 *  sends nothing anywhere. */
export function createPageRoute(read: () => Promise<VerifierPage>): Route {
  return {
    method: 'GET',
    path: '/verify',
    surface: 'public',
    audit: 'none',
    handle: async (_, response, { query }) => {
      if (query !== '') throw new TrustError('MALFORMED', 'the route takes no query');
      sendPage(response, await load(read));
    },
  };
}

async function load(read: () => Promise<VerifierPage>): Promise<VerifierPage> {
  try {
    return await read();
  } catch (cause) {
    const hint = 'talos audit verify does the same; from a checkout, npm run build makes the page';
    throw new TrustError('NOT_FOUND', 'the page of the verifier was not built', { hint }, cause);
  }
}

function sendPage(response: ServerResponse, { html, policy }: VerifierPage): void {
  const body = Buffer.from(html);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(body.length),
    'cache-control': 'no-cache',
    'content-security-policy': `${policy}; frame-ancestors 'none'`,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
