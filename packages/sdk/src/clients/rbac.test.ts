import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRbacClient, type RbacClient } from './rbac.js';

const ID = 'role_01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const role = { name: 'reader', allow: ['audit:read' as const], deny: [] };
const binding = {
  role: 'viewer',
  subject: { kind: 'service' as const, id: ID },
  scope: { kind: 'global' as const },
};

let server: Server;
let rbac: RbacClient;
let asked: IncomingMessage | undefined;

beforeEach(async () => {
  server = createServer((request, response) => {
    asked = request;
    response.writeHead(200).end('{"unlike":"anything"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  rbac = createRbacClient({ url: `http://127.0.0.1:${port}`, adminToken: 'secret' });
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

type Ask = (client: RbacClient) => Promise<unknown>;

describe('the client of RBAC', () => {
  it.each<[string, Ask]>([
    ['GET whoami', (client) => client.whoAmI()],
    ['POST check', (client) => client.check({ permission: 'audit:read' })],
    ['GET roles?limit=5', (client) => client.listRoles({ limit: 5 })],
    ['POST roles', (client) => client.createRole(role)],
    [`PUT roles/${ID}`, (client) => client.changeRole(ID, 3, role)],
    ['GET bindings', (client) => client.listBindings()],
    ['POST bindings', (client) => client.createBinding(binding as never)],
    ['GET service-accounts', (client) => client.listServiceAccounts()],
    [`GET service-accounts/${ID}`, (client) => client.getServiceAccount(ID)],
    ['POST service-accounts', (client) => client.createServiceAccount({ name: 'robot' })],
    [`POST service-accounts/${ID}/keys`, (client) => client.rotateKey(ID, { overlap: 0 } as never)],
    [`PUT service-accounts/${ID}`, (client) => client.setDisabled(ID, 3, true)],
    ['GET sessions', (client) => client.listSessions()],
  ])('asks %s with its credential, and takes no other answer for its own', async (line, ask) => {
    await expect(ask(rbac)).rejects.toHaveProperty('code');
    expect(`${asked?.method} ${asked?.url?.replace('/talos/v1/rbac/', '')}`).toBe(line);
    expect(asked?.headers.authorization).toBe('Bearer secret');
    if (line.startsWith('PUT')) expect(asked?.headers['if-match']).toBe('"3"');
  });

  it.each<[string, Ask]>([
    [`DELETE roles/${ID}`, (client) => client.removeRole(ID, 3)],
    [`DELETE bindings/${ID}`, (client) => client.removeBinding(ID)],
    [`DELETE sessions/${ID}`, (client) => client.endSession(ID)],
  ])('asks %s', async (line, ask) => {
    expect(await ask(rbac)).toBeUndefined();
    expect(`${asked?.method} ${asked?.url?.replace('/talos/v1/rbac/', '')}`).toBe(line);
  });
});
