import {
  AuthorizeAnswer,
  AuthorizeRequest,
  EventPage,
  Identity,
  IdentityPage,
  IssueCapabilityAnswer,
  IssueCapabilityRequest,
  NonceAnswer,
  OpenSessionAnswer,
  OpenSessionRequest,
  ProblemDetails,
  Receipt,
  RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  RevokeRequest,
  TrustFile,
  WellKnown,
} from '@talosprotocol/contracts';

/** Anything a JSON document holds. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Services by the port they answer on unless told otherwise. */
const PORTS = { kernel: 8000, gateway: 8001, audit: 8002 } as const;
type Service = keyof typeof PORTS;

interface Route {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly on: readonly Service[];
  readonly id: string;
  readonly summary: string;
  /** `admin` needs the administrator's token, `session` a session's MAC, `agent` a capability. */
  readonly needs?: 'admin' | 'session' | 'agent';
  readonly body?: object;
  readonly query?: Record<string, object>;
  readonly status: number;
  readonly answer?: object;
  /** Media type of an answer that is no JSON of ours. */
  readonly media?: string;
}

const ALL = ['kernel', 'gateway', 'audit'] as const;
const SESSION = ['kernel', 'gateway'] as const;
const PAGE = {
  cursor: { type: 'string', pattern: '^[A-Za-z0-9_-]{51,71}$' },
  limit: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
};
const INDEX = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const COMPONENTS: Readonly<Record<string, object>> = {
  AuthorizeAnswer,
  AuthorizeRequest,
  EventPage,
  Identity,
  IdentityPage,
  IssueCapabilityAnswer,
  IssueCapabilityRequest,
  NonceAnswer,
  OpenSessionAnswer,
  OpenSessionRequest,
  ProblemDetails,
  Receipt,
  RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  RevokeRequest,
  TrustFile,
  WellKnown,
};

const ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/talos/v1/identities',
    on: ['kernel'],
    id: 'registerIdentity',
    needs: 'admin',
    summary: 'Registers an identity',
    body: RegisterIdentityRequest,
    status: 201,
    answer: Identity,
  },
  {
    method: 'get',
    path: '/talos/v1/identities',
    on: ['kernel'],
    id: 'listIdentities',
    needs: 'admin',
    summary: 'Lists identities, newest first',
    query: PAGE,
    status: 200,
    answer: IdentityPage,
  },
  {
    method: 'get',
    path: '/talos/v1/identities/{did}',
    on: ['kernel'],
    id: 'getIdentity',
    needs: 'admin',
    summary: 'Answers one identity',
    status: 200,
    answer: Identity,
  },
  {
    method: 'post',
    path: '/talos/v1/capabilities',
    on: ['kernel'],
    id: 'issueCapability',
    needs: 'admin',
    summary: "Issues a root link with the organisation's key",
    body: IssueCapabilityRequest,
    status: 201,
    answer: IssueCapabilityAnswer,
  },
  {
    method: 'post',
    path: '/talos/v1/revocations',
    on: ['kernel'],
    id: 'revoke',
    summary: 'Revokes a link: by a signed revocation, or as an administrator by its id',
    body: RevokeRequest,
    status: 200,
    answer: RevokeAnswer,
  },
  {
    method: 'post',
    path: '/talos/v1/nonces',
    on: SESSION,
    id: 'createNonce',
    summary: 'Gives a nonce for one proof (SES-1)',
    status: 201,
    answer: NonceAnswer,
  },
  {
    method: 'post',
    path: '/talos/v1/sessions',
    on: SESSION,
    id: 'openSession',
    summary: 'Opens a session (SES-3)',
    body: OpenSessionRequest,
    status: 201,
    answer: OpenSessionAnswer,
  },
  {
    method: 'delete',
    path: '/talos/v1/sessions/{sid}',
    on: SESSION,
    id: 'closeSession',
    needs: 'session',
    summary: 'Ends a session (SES-11)',
    status: 204,
  },
  {
    method: 'post',
    path: '/talos/v1/authorize',
    on: ['kernel'],
    id: 'authorize',
    needs: 'admin',
    summary: 'Decides as of now and consumes nothing (DEC-11)',
    body: AuthorizeRequest,
    status: 200,
    answer: AuthorizeAnswer,
  },
  {
    method: 'get',
    path: '/talos/v1/requests/{request_id}',
    on: ['kernel'],
    id: 'explainRequest',
    needs: 'admin',
    summary: 'Says what was decided on a request and why',
    status: 200,
    answer: RequestRecord,
  },
  {
    method: 'get',
    path: '/.well-known/talos.json',
    on: ['kernel'],
    id: 'wellKnown',
    summary: 'Says who answers here and what its evidence is checked with',
    status: 200,
    answer: WellKnown,
  },
  {
    method: 'post',
    path: '/mcp',
    on: ['gateway'],
    id: 'mcp',
    needs: 'agent',
    summary: 'MCP over streamable HTTP, all tool servers (DEC-5)',
    body: { type: 'object' },
    status: 200,
    answer: { type: 'object' },
  },
  {
    method: 'post',
    path: '/mcp/{server}',
    on: ['gateway'],
    id: 'mcpServer',
    needs: 'agent',
    summary: 'MCP over streamable HTTP, one tool server (DEC-5)',
    body: { type: 'object' },
    status: 200,
    answer: { type: 'object' },
  },
  {
    method: 'get',
    path: '/talos/v1/receipts/{id}',
    on: ['audit'],
    id: 'getReceipt',
    needs: 'admin',
    summary: 'Answers a receipt; 503 while no checkpoint covers it (AUD-15)',
    status: 200,
    answer: Receipt,
  },
  {
    method: 'get',
    path: '/talos/v1/events',
    on: ['audit'],
    id: 'listEvents',
    needs: 'admin',
    summary: 'Lists events, newest first',
    query: PAGE,
    status: 200,
    answer: EventPage,
  },
  {
    method: 'get',
    path: '/talos/v1/bundle',
    on: ['audit'],
    id: 'exportBundle',
    needs: 'admin',
    summary: 'Exports a range as a bundle (AUD-16)',
    query: { from: INDEX, to: INDEX },
    status: 200,
    answer: { type: 'object', description: 'bundle.schema.json' },
  },
  {
    method: 'get',
    path: '/talos/v1/trust',
    on: ['audit'],
    id: 'exportTrust',
    needs: 'admin',
    summary: 'Exports what this platform says an auditor could trust (AUD-19)',
    status: 200,
    answer: TrustFile,
  },
  {
    method: 'get',
    path: '/tlog/checkpoint',
    on: ['audit'],
    id: 'getCheckpoint',
    summary: 'Answers the latest checkpoint (AUD-13)',
    status: 200,
    media: 'text/plain',
  },
  {
    method: 'get',
    path: '/tlog/tile/{path}',
    on: ['audit'],
    id: 'getTile',
    summary: 'Answers a tile; entry bundles need the administrator (AUD-13)',
    status: 200,
    media: 'application/octet-stream',
  },
  {
    method: 'get',
    path: '/health/live',
    on: ALL,
    id: 'live',
    summary: 'Says that the process runs',
    status: 200,
    answer: { type: 'object' },
  },
  {
    method: 'get',
    path: '/health/ready',
    on: ALL,
    id: 'ready',
    summary: 'Says whether it may serve; 503 if not',
    status: 200,
    answer: { type: 'object' },
  },
];

const SECURITY: Record<NonNullable<Route['needs']>, Json> = {
  admin: [{ administrator: [] }],
  session: [{ session: [] }],
  agent: [{ session: [] }, { bearer: [] }],
};

const PATH_VALUE = { type: 'string', maxLength: 256 };

/** The OpenAPI 3.1 document of our own routes. */
export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES) {
    const operations = paths[route.path] ?? {};
    operations[route.method] = operation(route);
    paths[route.path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Talos',
      version: '1.0.0',
      description: 'The routes of kernel, gateway and audit. The specification in docs/spec is normative.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: ALL.map((service) => server(service)),
    paths,
    components: {
      schemas: components(),
      responses: { Problem: problem() },
      securitySchemes: {
        administrator: { type: 'http', scheme: 'bearer', description: 'The administrator token.' },
        bearer: { type: 'http', scheme: 'bearer', description: 'A bearer key `talos_...` (CAP-22).' },
        session: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: '`Talos sid=, seq=, rid=, mac=` (SES-6).',
        },
      },
    },
  };
}

function operation(route: Route): Json {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query ?? {})];
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [...route.on],
    servers: route.on.map((service) => server(service)),
    ...(route.needs === undefined ? {} : { security: SECURITY[route.needs] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: reference(route.body) } } },
        }),
    responses: { [String(route.status)]: answer(route), default: { $ref: '#/components/responses/Problem' } },
  };
}

function answer(route: Route): Json {
  if (route.media !== undefined) return { description: 'Done', content: { [route.media]: {} } };
  if (route.answer === undefined) return { description: 'Done' };
  return { description: 'Done', content: { 'application/json': { schema: reference(route.answer) } } };
}

function problem(): Json {
  const schema = { $ref: '#/components/schemas/ProblemDetails' };
  return { description: 'A refusal (DEC-3)', content: { 'application/problem+json': { schema } } };
}

function server(service: Service): Json {
  return { url: `http://127.0.0.1:${PORTS[service]}`, description: service };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name as string,
    in: 'path',
    required: true,
    schema: PATH_VALUE,
  }));
}

function queryParameters(query: Record<string, object>): Json[] {
  return Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema: plain(schema) }));
}

function components(): Json {
  return Object.fromEntries(Object.entries(COMPONENTS).map(([name, schema]) => [name, plain(schema)]));
}

function reference(schema: object): Json {
  const name = Object.keys(COMPONENTS).find((key) => COMPONENTS[key] === schema);
  return name === undefined ? plain(schema) : { $ref: `#/components/schemas/${name}` };
}

/** A schema as data: what JSON cannot show is left behind. */
export function plain(schema: object): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}
