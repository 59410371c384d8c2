import { fileURLToPath } from 'node:url';
import * as contracts from '@talosprotocol/contracts';
import { type Files, runGenerator } from './drift.js';
import { openApiDocument, plain } from './openapi.js';

/** Published schemas: file name, title, schema. */
const SCHEMAS: readonly (readonly [name: string, title: string, schema: object])[] = [
  ['identity', 'A registered identity', contracts.Identity],
  ['registration', 'Payload of the proof of a registration (ID-13)', contracts.RegistrationClaims],
  ['rotation', 'Payload of a succession (ID-14)', contracts.RotationClaims],
  ['succession', "Payload of a successor's word (ID-14)", contracts.SuccessionClaims],
  ['deactivation', "Payload of an identity's end (ID-15)", contracts.DeactivationClaims],
  ['capability', 'Payload of a link (CAP-1)', contracts.CapabilityClaims],
  ['grant', 'A grant (CAP-2)', contracts.Grant],
  ['constraint', 'A constraint (CAP-12)', contracts.Constraint],
  ['trust-anchor', 'A trust anchor (CAP-6)', contracts.TrustAnchor],
  ['revocation', 'Payload of a revocation (CAP-25)', contracts.RevocationClaims],
  ['revocation-below', 'Payload of a revocation below a DID (REV-1)', contracts.RevocationBelowClaims],
  ['revocation-entry', 'Payload of an entry of the revocation feed (REV-6)', contracts.FeedEntryClaims],
  [
    'revocation-heartbeat',
    'Payload of a heartbeat of the revocation feed (REV-7)',
    contracts.FeedHeartbeatClaims,
  ],
  ['revocation-snapshot', 'Payload of the statement over a snapshot (REV-11)', contracts.FeedSnapshotClaims],
  ['status-list', 'Payload of a status list token (REV-13)', contracts.StatusListClaims],
  ['tool-manifest', 'The manifest of a tool (DEC-8)', contracts.ToolManifest],
  ['proof', 'Payload of a proof of possession (SES-2)', contracts.ProofClaims],
  ['request-proof', 'Payload of the proof of one request (SES-13)', contracts.RequestProofClaims],
  ['session', "Payload of a gateway's answer to an opening (SES-4)", contracts.SessionClaims],
  ['decision', 'A decision (DEC-1)', contracts.Decision],
  ['problem', 'Problem details (DEC-3)', contracts.ProblemDetails],
  ['mcp-denial', 'Data of a JSON-RPC denial (DEC-7)', contracts.McpDenialData],
  ['event', 'An audit event (AUD-1)', contracts.AuditEvent],
  ['disclosure', 'A disclosure (AUD-3)', contracts.Disclosure],
  ['receipt', 'A receipt (AUD-14)', contracts.Receipt],
  ['bundle', 'A bundle (AUD-50)', contracts.Bundle],
  ['range-bundle', 'The first form of a bundle (AUD-16)', contracts.RangeBundle],
  ['bundle-statement', "Payload of a bundle's statement (AUD-18)", contracts.BundleStatementClaims],
  ['anchor-proof', 'A proof of a chain anchor (AUD-36)', contracts.AnchorProof],
  ['anchor-evidence', 'Evidence of a chain anchor (AUD-44)', contracts.AnchorEvidence],
  ['trust-file', 'A trust file (AUD-19)', contracts.TrustFile],
  ['split-view', 'A proof that a log showed two histories (AUD-29)', contracts.SplitView],
  ['conflict', 'Two checkpoints of a log in the wrong order (AUD-98)', contracts.Conflict],
  ['alert', 'An alert of a monitor (AUD-98)', contracts.WatchAlert],
  ['talos-yaml', 'The configuration talos.yaml', contracts.PolicyDocument],
  ['well-known', 'The document /.well-known/talos.json', contracts.WellKnown],
];

/** Where the committed schemas lie, seen from the compiled and from the source file alike. */
export const SCHEMA_FOLDER = fileURLToPath(
  new URL(`${import.meta.url.includes('/dist/') ? '../' : ''}../packages/contracts/schemas`, import.meta.url),
);

/** Every published schema as the text of its file. */
export function schemaFiles(): Files {
  const files = SCHEMAS.map(([name, title, schema]) => {
    const document = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `urn:talos:schema:${name}`,
      title,
      ...(plain(schema) as object),
    };
    return [`${name}.schema.json`, format(document)] as const;
  });
  return new Map([...files, ['openapi.json', format(openApiDocument())] as const]);
}

function format(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = runGenerator(process.argv.slice(2), SCHEMA_FOLDER, schemaFiles());
}
