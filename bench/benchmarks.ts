import { auditExplore } from './audit/explore.js';
import { auditIngest } from './audit/ingest.js';
import { auditProof } from './audit/proof.js';
import { authorizeCached } from './authorize/cached.js';
import { authorizeFull } from './authorize/full.js';
import { authorizeHttp } from './authorize/http.js';
import { authorizeProof } from './authorize/proof.js';
import { authorizeWorkers } from './authorize/workers.js';
import type { Benchmark } from './benchmark.js';
import { gatewayChat, gatewaySse } from './gateway/models.js';
import { gatewayIdle, gatewaySoak } from './gateway/streams.js';
import { guardsInjection, guardsPersonal, guardsSecrets } from './guards/benchmarks.js';
import { mcpCall } from './mcp/call.js';
import { startEmbedded } from './start-embedded.js';

/** All benchmarks, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [
  authorizeCached,
  authorizeProof,
  authorizeFull,
  authorizeHttp,
  authorizeWorkers,
  mcpCall,
  gatewayChat,
  gatewaySse,
  gatewayIdle,
  gatewaySoak,
  guardsSecrets,
  guardsPersonal,
  guardsInjection,
  startEmbedded,
  auditIngest,
  auditProof,
  auditExplore,
];
