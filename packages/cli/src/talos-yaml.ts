import { isDeepStrictEqual } from 'node:util';
import {
  type Budget,
  createChecker,
  type Grant,
  type ModelAlias,
  type ModelProvider,
  type PinnedTool,
  PolicyDocument,
  ServerName,
  type ToolServer,
} from '@talosprotocol/contracts';
import { coversScope, parseScope, TrustError } from '@talosprotocol/protocol';
import { type Document, isMap, isSeq, parseDocument } from 'yaml';
import { UsageError } from './usage-error.js';

/** A talos.yaml to be edited: what it says, and the text with its comments. */
export interface TalosYaml {
  readonly policy: PolicyDocument;
  /** Adds a tool server. @throws {TrustError} CONFLICT: there is one of that name */
  addServer(name: string, server: ToolServer): void;
  /** Writes manifests and pins of a server's tools; those of other tools stay. @throws {TrustError} NOT_FOUND */
  pinTools(server: string, tools: Readonly<Record<string, PinnedTool>>): void;
  /** Adds a provider of models, or puts it in place of the one of that name. */
  setProvider(name: string, provider: ModelProvider): void;
  /** Gives several models one name, in place of what had it. */
  setAlias(name: string, alias: ModelAlias): void;
  /** Puts a budget in the place of the one of that name, or adds it; what is as it was stays with its comments. */
  setBudget(budget: Budget): void;
  /** Takes a budget away; false if there is none of that name. */
  removeBudget(name: string): boolean;
  /** Lets the anchor of an issuer give a scope, if it does not yet. @throws {TrustError} NOT_FOUND: there is no such anchor */
  allowAnchor(iss: string, scope: string): void;
  /** Adds a log that a witness follows; false if it is there. */
  followLog(vkey: string): boolean;
  /** The text as edited; comments and order of what was there are kept.
   *  @throws {TrustError} SETTINGS_INVALID: the platform would refuse it */
  text(): string;
}

const checkPolicy = createChecker(PolicyDocument);
const checkName = createChecker(ServerName);
const MAX_ALIASES = 64;

/** Reads a talos.yaml; `file` is what messages call it. The values of `${NAME}` are not looked up.
 *  @throws {TrustError} SETTINGS_INVALID */
export function parseTalosYaml(source: string, file: string): TalosYaml {
  const document = parseDocument(source, { stringKeys: true, prettyErrors: false });
  if (document.errors.length + document.warnings.length > 0)
    throw invalid(file, 'is not YAML that can be read');
  const policy = checkedPolicy(document, file);
  return {
    policy,
    addServer: (name, server) => {
      if (document.hasIn(['servers', name]))
        throw new TrustError('CONFLICT', `${file} has a server ${name} already`, {
          hint: 'choose another with --name',
        });
      openServers(document);
      document.setIn(['servers', name], document.createNode(server));
    },
    pinTools: (server, tools) => {
      if (!document.hasIn(['servers', server]))
        throw new TrustError('NOT_FOUND', `${file} has no server ${server}`, {
          hint: 'add it under servers first',
        });
      for (const [tool, pinned] of Object.entries(tools)) setTool(document, server, tool, pinned);
    },
    setProvider: (name, provider) => {
      if (!document.hasIn(['providers'])) document.setIn(['providers'], document.createNode({}));
      document.setIn(['providers', name], document.createNode(provider));
    },
    setAlias: (name, alias) => {
      if (!document.hasIn(['aliases'])) document.setIn(['aliases'], document.createNode({}));
      document.setIn(['aliases', name], document.createNode(alias));
    },
    setBudget: (budget) => setBudget(document, budget),
    removeBudget: (name) => {
      const index = policy.budgets?.findIndex((budget) => budget.name === name) ?? -1;
      return index >= 0 && document.deleteIn(['budgets', index]);
    },
    allowAnchor: (iss, scope) => {
      const index = policy.anchors?.findIndex((anchor) => anchor.iss === iss) ?? -1;
      const grants = policy.anchors?.[index]?.grants;
      if (grants === undefined)
        throw new TrustError('NOT_FOUND', `${file} has no anchor ${iss}`, {
          hint: 'add it under anchors first',
        });
      if (grants.some((grant) => covers(grant, scope))) return;
      const grant = document.createNode({ scope, ops: ['read', 'write'] });
      grant.flow = true;
      document.addIn(['anchors', index, 'grants'], grant);
    },
    followLog: (vkey) => {
      if (policy.witness?.logs.some((log) => log.vkey === vkey)) return false;
      followLog(document, vkey);
      return true;
    },
    text: () => {
      checkedPolicy(document, file);
      return document.toString({ lineWidth: 0 });
    },
  };
}

/** True if a grant gives all of a scope. */
function covers({ scope, ops, where, only }: Grant, wanted: string): boolean {
  const isPlain = where === undefined && only === undefined && ops.includes('read') && ops.includes('write');
  return isPlain && coversScope(parseScope(scope, 'grant'), parseScope(wanted, 'item').text);
}

/** @throws {UsageError} */
export function parseServerName(name: string): string {
  if (checkName(name) === undefined) return name;
  throw new UsageError('not the name of a server', 'up to 32 of a-z 0-9 and inner -');
}

/** `servers: {}`, as init writes it, would go on in one line. */
function openServers(document: Document): void {
  const servers = document.get('servers');
  if (isMap(servers) && servers.items.length === 0) servers.flow = false;
}

function setBudget(document: Document, budget: Budget): void {
  if (!document.hasIn(['budgets'])) document.setIn(['budgets'], document.createNode([]));
  const budgets = document.getIn(['budgets']);
  if (isSeq(budgets)) budgets.flow = false;
  const { budgets: all = [] } = document.toJS({ maxAliasCount: MAX_ALIASES }) as PolicyDocument;
  const index = all.findIndex(({ name }) => name === budget.name);
  const before = new Map(Object.entries(all[index] ?? {}));
  if (index < 0) document.addIn(['budgets'], inOneLine(document, budget));
  for (const [member, value] of index < 0 ? [] : Object.entries(budget)) {
    if (!isDeepStrictEqual(before.get(member), value))
      document.setIn(['budgets', index, member], inOneLine(document, value));
    before.delete(member);
  }
  if (index >= 0) for (const member of before.keys()) document.deleteIn(['budgets', index, member]);
}

function inOneLine(document: Document, value: unknown): unknown {
  const node = document.createNode(value);
  if (isMap(node) || isSeq(node)) node.flow = true;
  return node;
}

/** `logs: []`, as a first start writes it, would go on in one line. */
function followLog(document: Document, vkey: string): void {
  if (!document.hasIn(['witness', 'logs'])) document.setIn(['witness', 'logs'], document.createNode([]));
  const logs = document.getIn(['witness', 'logs']);
  if (isSeq(logs)) logs.flow = false;
  document.addIn(['witness', 'logs'], document.createNode({ vkey }));
}

function setTool(document: Document, server: string, tool: string, pinned: PinnedTool): void {
  const path = ['servers', server, 'tools'];
  if (!document.hasIn(path)) document.setIn(path, document.createNode({}));
  const { op, resources, cost, pin } = pinned;
  // All of the manifest, as the pin covers all of it.
  const node = document.createNode({ op, resources, ...(cost === undefined ? {} : { cost }), pin });
  const price = node.get('cost', true);
  if (isMap(price)) price.flow = true;
  const list = node.get('resources', true);
  for (const item of Object(list).items ?? []) if (isMap(item)) item.flow = true;
  document.setIn([...path, tool], node);
  const tools = document.getIn(path);
  if (isMap(tools)) tools.flow = false;
}

function checkedPolicy(document: Document, file: string): PolicyDocument {
  const value = plainValue(document, file);
  const wrong = checkPolicy(value);
  if (wrong !== undefined) throw invalid(file, wrong);
  return value as PolicyDocument;
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw invalid(file, 'uses YAML aliases that lead nowhere, or too many');
  }
}

function invalid(file: string, fault: string): TrustError {
  return new TrustError('SETTINGS_INVALID', `${file}: ${fault}`, {
    hint: 'talos up names every fault with its line',
  });
}
