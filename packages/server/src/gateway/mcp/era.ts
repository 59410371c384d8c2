import { isJsonObject, type JsonObject, type JsonValue, type SignedHeaders } from '@talosprotocol/protocol';
import { ERA_2025, ERA_2026, type Era, type McpMessage, RPC, RpcFault, VERSIONS_2025 } from './rpc.js';

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

type Message = Omit<McpMessage, 'era'>;

/** Tells the era of a message (DEC-5) and refuses headers that contradict it (DEC-6). @throws {RpcFault} */
export function checkEra(message: Message, meta: JsonValue | undefined, headers: SignedHeaders): Era {
  if (meta !== undefined && !isJsonObject(meta)) {
    throw fault(message, RPC.invalidParams, '_meta is not an object');
  }
  checkNamed(message, 'mcp-method', headers['mcp-method'], message.method);
  checkNamed(message, 'mcp-name', decodeName(message, headers['mcp-name']), message.params['name']);
  if (meta !== undefined && Object.hasOwn(meta, VERSION_KEY)) return check2026(message, meta, headers);
  return check2025(message, headers['mcp-protocol-version']);
}

function check2026(message: Message, meta: JsonObject, headers: SignedHeaders): Era {
  const version = meta[VERSION_KEY];
  if (typeof version !== 'string') throw envelope(message, VERSION_KEY, 'must be a string');
  if (version !== ERA_2026) {
    const data = { supported: [ERA_2026], requested: version };
    throw fault(message, RPC.unsupportedVersion, 'the protocol version is not supported', data);
  }
  const isRequest = message.kind === 'request';
  if (isRequest && !isJsonObject(meta[CAPABILITIES_KEY])) {
    throw envelope(message, CAPABILITIES_KEY, 'must be an object');
  }
  const named = headers['mcp-protocol-version'];
  if (isRequest || named !== undefined) demand(message, 'mcp-protocol-version', named, version);
  if (!isRequest) return ERA_2026;
  demand(message, 'mcp-method', headers['mcp-method'], message.method);
  if (message.method === 'tools/call') {
    demand(message, 'mcp-name', decodeName(message, headers['mcp-name']), message.params['name']);
  }
  return ERA_2026;
}

function check2025(message: Message, version: string | undefined): Era {
  if (version === ERA_2026) {
    if (message.method === 'initialize') throw mismatch(message, 'mcp-protocol-version', version, null);
    throw envelope(message, VERSION_KEY, 'is missing');
  }
  // `initialize` names its version in the body, and is answered with ours whatever it names.
  if (version === undefined || VERSIONS_2025.includes(version) || message.method === 'initialize')
    return ERA_2025;
  throw fault(message, RPC.transport, 'the protocol version of the header is not supported');
}

/** A header that is there must agree with the body, in both eras. */
function checkNamed(
  message: Message,
  name: string,
  header: string | undefined,
  body: JsonValue | undefined,
): void {
  if (header !== undefined && header !== body) throw mismatch(message, name, header, body ?? null);
}

function demand(
  message: Message,
  name: string,
  header: string | undefined,
  body: JsonValue | undefined,
): void {
  if (header === undefined || header !== body) throw mismatch(message, name, header ?? null, body ?? null);
}

const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** Names that are not visible ASCII travel as `=?base64?<base64 of UTF-8>?=`. */
function decodeName(message: Message, header: string | undefined): string | undefined {
  const encoded = header === undefined ? undefined : ENCODED.exec(header)?.[1];
  if (encoded === undefined) return header;
  const bytes = Buffer.from(encoded, 'base64');
  const text = bytes.toString('utf8');
  // Only one spelling of a name, in base64 as in UTF-8.
  const exact = bytes.toString('base64') === encoded && Buffer.from(text, 'utf8').equals(bytes);
  if (!exact) throw mismatch(message, 'mcp-name', header ?? null, null);
  return text;
}

function mismatch({ id }: Message, name: string, header: JsonValue, body: JsonValue): RpcFault {
  const data = { mismatch: { header, body } };
  return new RpcFault(400, RPC.headerMismatch, `the header ${name} contradicts the body`, id ?? null, data);
}

function envelope(message: Message, key: string, problem: string): RpcFault {
  return fault(message, RPC.invalidParams, `_meta: ${key} ${problem}`, { envelope: { key, problem } });
}

function fault({ id }: Message, code: number, text: string, data?: JsonValue): RpcFault {
  return new RpcFault(400, code, text, id ?? null, data);
}
