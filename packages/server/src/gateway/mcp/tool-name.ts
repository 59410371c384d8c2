import { SERVER_NAME, TOOL_NAME } from '@talosprotocol/contracts';

/** A tool as the operator names it. */
export interface ToolName {
  readonly server: string;
  readonly tool: string;
}

const SEPARATOR = '__';
const SERVER = new RegExp(SERVER_NAME);
const TOOL = new RegExp(TOOL_NAME);

/** Reads the name a client calls: `<server>__<tool>` on `/mcp`, the plain name where the route names the server
 *  (DEC-5). Undefined for what can be no tool. A server's name holds no `_`, so the first separator ends it. */
export function parseToolName(name: string, server: string | undefined): ToolName | undefined {
  if (server !== undefined) return named(server, name);
  const at = name.indexOf(SEPARATOR);
  return at < 0 ? undefined : named(name.slice(0, at), name.slice(at + SEPARATOR.length));
}

/** The name under which a tool is listed. */
export function listedName({ server, tool }: ToolName, route: string | undefined): string {
  return route === undefined ? `${server}${SEPARATOR}${tool}` : tool;
}

function named(server: string, tool: string): ToolName | undefined {
  return SERVER.test(server) && TOOL.test(tool) ? { server, tool } : undefined;
}
