import {
  AnnouncedTools,
  AuthorizeAnswer,
  AuthorizeRequest,
  DeactivateIdentityRequest,
  EventPage,
  EventRecord,
  FormerKeysAnswer,
  Identity,
  IdentityHistory,
  IdentityPage,
  IssueCapabilityAnswer,
  IssueCapabilityRequest,
  NonceAnswer,
  OpenSessionAnswer,
  OpenSessionRequest,
  PolicyReloaded,
  ProblemDetails,
  Receipt,
  RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  RevokeRequest,
  RotateIdentityRequest,
  TrustFile,
  WellKnown,
} from '@talosprotocol/contracts';

import { RBAC_COMPONENTS } from './openapi-rbac-routes.js';
import { REVOCATION_COMPONENTS } from './openapi-revocation-routes.js';
import { ALL, PORTS, ROUTES, type Route, type Service } from './openapi-routes.js';

/** Anything a JSON document holds. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const COMPONENTS: Readonly<Record<string, object>> = {
  AnnouncedTools,
  AuthorizeAnswer,
  AuthorizeRequest,
  DeactivateIdentityRequest,
  EventPage,
  EventRecord,
  FormerKeysAnswer,
  Identity,
  IdentityHistory,
  IdentityPage,
  IssueCapabilityAnswer,
  IssueCapabilityRequest,
  NonceAnswer,
  OpenSessionAnswer,
  OpenSessionRequest,
  PolicyReloaded,
  ProblemDetails,
  Receipt,
  RegisterIdentityRequest,
  RequestRecord,
  RevokeAnswer,
  RevokeRequest,
  RotateIdentityRequest,
  TrustFile,
  WellKnown,
  ...RBAC_COMPONENTS,
  ...REVOCATION_COMPONENTS,
};

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
        administrator: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The key of a service account (RBAC-12) or the token of a session of a person (RBAC-17).',
        },
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
