// receipts
export {
  type BundleReport,
  inspectBundle,
  parseReceipt,
  parseTrustFile,
  type Trust,
  type VerifiedReceipt,
  verifyBundle,
  verifyReceipt,
} from '@talosprotocol/protocol';
// agent
export { type Agent, type AgentOptions, createAgent } from './agent/agent.js';
export { createIdentity, type Identity, type IdentityOptions, identityFromSeed } from './agent/identity.js';
export { type IssueRuntimeOptions, issueCapability } from './agent/issue.js';
export type { RuntimeOptions } from './agent/runtime.js';
// services
export { type AuditClient, type BundleQuery, createAuditClient, type EventQuery } from './clients/audit.js';
export type { FollowOptions, FollowQuery } from './clients/follow.js';
export {
  type AnnouncedTool,
  type AnnouncedTools,
  type BudgetQuery,
  createGatewayClient,
  type GatewayClient,
} from './clients/gateway.js';
export { createKernelClient, type KernelClient, type PageQuery } from './clients/kernel.js';
export { createRbacClient, type RbacClient } from './clients/rbac.js';
export { createSecretsClient, type SecretsClient } from './clients/secrets.js';
export type { HttpClientOptions } from './http/client.js';
// logs
export { type Finding, type FindingKind, nameOf } from './log/finding.js';
export {
  createLogClient,
  type LogClient,
  type LogClientOptions,
  type LogView,
  type NotedCheckpoint,
  splitViewOf,
} from './log/log-client.js';
export { createLogFiles, type LogFiles, type LogFilesOptions } from './log/log-files.js';
export type { LogTree, ProvenEntry } from './log/log-tree.js';
export { createLogMonitor, type LogMonitor, type LogMonitorOptions } from './log/monitor.js';
export type { MonitorState } from './log/monitor-state.js';
export { createWitnessView, type WitnessViewOptions } from './log/witness-view.js';
// MCP
export { denialOf } from './mcp/denial.js';
export { type McpClient, withCapability } from './mcp/with-capability.js';
export { type Denial, parseRefusal } from './refusal.js';
// revocation
export {
  createFeedFollower,
  type FeedFollower,
  type FeedFollowerOptions,
} from './revocation/feed-follower.js';
