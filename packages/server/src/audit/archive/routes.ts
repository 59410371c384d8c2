import { MAX_INTEGER } from '@talosprotocol/contracts';
import { readQuery } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import { readNumber } from '../explorer/query.js';
import { sendParts } from '../export/send-parts.js';
import { createTurnstile } from '../export/turnstile.js';
import type { AuditReader } from '../reader.js';

const JSON_TYPE = { 'content-type': 'application/json' };
/** Pages that are sent at a time: whoever writes an archive asks for one after the other. */
const MAX_PAGES = 4;

/** The route of what an archive holds besides the tree (AUD-80). A page is cut off that nobody reads for `patienceMs`. */
export function createArchiveRoutes(
  audit: Pick<AuditReader, 'disclosures'>,
  { patienceMs }: { readonly patienceMs: number },
): Route[] {
  const pages = createTurnstile(MAX_PAGES, 'other archives are being written');
  return [
    {
      method: 'GET',
      path: '/talos/v1/disclosures',
      surface: 'admin',
      permission: 'audit:export',
      audit: 'none',
      handle: async (_, response, { query, signal }) => {
        const from = readNumber(readQuery(query, ['from']), 'from', { least: 0, most: MAX_INTEGER }) ?? 0;
        const patience = { patienceMs, signal };
        await pages(() => sendParts(response, audit.disclosures(from), JSON_TYPE, patience));
      },
    },
  ];
}
