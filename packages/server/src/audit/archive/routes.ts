import { MAX_INTEGER } from '@talosprotocol/contracts';
import { readQuery } from '../../platform/json-exchange.js';
import type { Route } from '../../platform/routes.js';
import { readNumber } from '../explorer/query.js';
import type { AuditReader } from '../reader.js';

/** The route of what an archive holds besides the tree (AUD-80). */
export function createArchiveRoutes(audit: Pick<AuditReader, 'disclosures'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/talos/v1/disclosures',
      surface: 'admin',
      permission: 'audit:export',
      audit: 'none',
      handle: async (_, response, { query }) => {
        const from = readNumber(readQuery(query, ['from']), 'from', { least: 0, most: MAX_INTEGER }) ?? 0;
        const body = Buffer.from(await audit.disclosures(from));
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': String(body.length),
        });
        response.end(body);
      },
    },
  ];
}
