import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { lookup } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OidcSettings } from '@talosprotocol/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createOutwardLookup } from '../../platform/outward-address.js';
import { createOpenId, type LoginChecks } from './openid.js';
import { createOutwardFetch } from './outward-fetch.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' };
const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const SECRET = 'the secret of the client, long enough for HS256';

/** What the provider of a test answers; each test changes one thing. */
interface Behaviour {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  signature: (input: string) => Buffer;
  metadata: Record<string, unknown>;
  /** Instead of a token. */
  answer?: { status: number; body: string };
}

const CHECKS: LoginChecks = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };
const rs256 = (key: KeyObject) => (input: string) => sign('sha256', Buffer.from(input), key);
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

let server: Server;
let issuer: string;
let behaviour: Behaviour;
let settings: OidcSettings;
beforeAll(async () => {
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname;
    const send = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    if (path === '/.well-known/openid-configuration') return send(200, JSON.stringify(behaviour.metadata));
    if (path === '/jwks') return send(200, JSON.stringify({ keys: [jwk] }));
    request.resume();
    return send(behaviour.answer?.status ?? 200, behaviour.answer?.body ?? token());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

beforeEach(() => {
  const now = Math.floor(Date.now() / 1000);
  settings = {
    issuer,
    clientId: 'talos',
    clientSecret: SECRET,
    origin: 'https://talos.example',
    groupsClaim: 'groups',
  };
  behaviour = {
    header: { alg: 'RS256', kid: 'one' },
    claims: { iss: issuer, sub: 'ann', aud: 'talos', iat: now, exp: now + 60, nonce: CHECKS.nonce },
    signature: rs256(privateKey),
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none', 'RS512'],
    },
  };
});

function token(): string {
  const input = `${encode(behaviour.header)}.${encode(behaviour.claims)}`;
  const id_token = `${input}.${behaviour.signature(input).toString('base64url')}`;
  return JSON.stringify({ access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token });
}

const redeem = (query = `code=x&state=${CHECKS.state}`) => {
  const returned = new URL(`${settings.origin}/talos/v1/rbac/callback?${query}`);
  return createOpenId({ monotonic: () => 0 }).redeem(settings, returned, CHECKS);
};
const refusal = async (): Promise<unknown> =>
  redeem().then(
    (person) => person,
    (error: { code?: string }) => error.code,
  );

// RBAC-16
describe('a provider that lies', () => {
  it('is believed while it does not', async () => {
    expect(await redeem()).toEqual({
      issuer,
      subject: 'ann',
      subjects: [{ kind: 'person', issuer, id: 'ann' }],
    });
  });

  it.each<[string, () => void]>([
    ['another issuer', () => Object.assign(behaviour.claims, { iss: 'https://evil.example' })],
    ['another audience', () => Object.assign(behaviour.claims, { aud: 'other' })],
    ['two audiences', () => Object.assign(behaviour.claims, { aud: ['talos', 'other'] })],
    ['another authorized party', () => Object.assign(behaviour.claims, { aud: ['talos', 'x'], azp: 'x' })],
    ['an end in the past', () => Object.assign(behaviour.claims, { exp: 1 })],
    ['no end', () => Object.assign(behaviour.claims, { exp: undefined })],
    ['a begin in the future', () => Object.assign(behaviour.claims, { nbf: 4_102_444_800 })],
    ['another nonce', () => Object.assign(behaviour.claims, { nonce: 'x' })],
    ['no nonce', () => Object.assign(behaviour.claims, { nonce: undefined })],
    ['no subject', () => Object.assign(behaviour.claims, { sub: undefined })],
    ['a subject of many lines', () => Object.assign(behaviour.claims, { sub: 'a\nb' })],
    ['a subject that hides', () => Object.assign(behaviour.claims, { sub: 'a\u202eb' })],
    ['a long subject', () => Object.assign(behaviour.claims, { sub: 'a'.repeat(257) })],
    ['groups that are none', () => Object.assign(behaviour.claims, { groups: [{ a: 1 }] })],
    ['groups without end', () => Object.assign(behaviour.claims, { groups: Array(257).fill('g') })],
    [
      'no signature',
      () => Object.assign(behaviour, { header: { alg: 'none' }, signature: () => Buffer.alloc(0) }),
    ],
    [
      'a signature by our secret',
      () =>
        Object.assign(behaviour, {
          header: { alg: 'HS256' },
          signature: (input: string) => createHmac('sha256', SECRET).update(input).digest(),
        }),
    ],
    [
      'a signature by its public key as a secret',
      () =>
        Object.assign(behaviour, {
          header: { alg: 'HS256', kid: 'one' },
          signature: (input: string) => createHmac('sha256', publicPem).update(input).digest(),
        }),
    ],
    ['the signature of a stranger', () => Object.assign(behaviour, { signature: rs256(stranger) })],
    [
      'a key in the header',
      () =>
        Object.assign(behaviour, {
          header: { alg: 'RS256', jwk: stranger.export({ format: 'jwk' }) },
          signature: rs256(stranger),
        }),
    ],
    ['a key that is not there', () => Object.assign(behaviour, { header: { alg: 'RS256', kid: 'two' } })],
    ['a critical header', () => Object.assign(behaviour.header, { crit: ['x'], x: 1 })],
    [
      'another algorithm',
      () =>
        Object.assign(behaviour, {
          header: { alg: 'RS512', kid: 'one' },
          signature: (input: string) => sign('sha512', Buffer.from(input), privateKey),
        }),
    ],
    ...['exp', 'iat', 'nbf'].flatMap((name): [string, () => void][] => [
      [`${name} as text`, () => Object.assign(behaviour.claims, { [name]: String(behaviour.claims['exp']) })],
      [`${name} as a list`, () => Object.assign(behaviour.claims, { [name]: [behaviour.claims['exp']] })],
      [`${name} as an object`, () => Object.assign(behaviour.claims, { [name]: {} })],
    ]),
    ['a negative end', () => Object.assign(behaviour.claims, { exp: -1 })],
    ['no begin', () => Object.assign(behaviour.claims, { iat: undefined })],
    ['a subject that is a number', () => Object.assign(behaviour.claims, { sub: 1 })],
    ['an empty subject', () => Object.assign(behaviour.claims, { sub: '' })],
    ['a subject with NUL', () => Object.assign(behaviour.claims, { sub: 'ann\u0000' })],
    ['an audience that is an object', () => Object.assign(behaviour.claims, { aud: { talos: true } })],
    ['no audience', () => Object.assign(behaviour.claims, { aud: [] })],
    ['an audience in capitals', () => Object.assign(behaviour.claims, { aud: 'TALOS' })],
    ['an issuer with a slash more', () => Object.assign(behaviour.claims, { iss: `${issuer}/` })],
    ['a nonce in a list', () => Object.assign(behaviour.claims, { nonce: [CHECKS.nonce] })],
    ...['jku', 'x5u'].map((name): [string, () => void] => [
      `${name} of a stranger, who signed`,
      () =>
        Object.assign(behaviour, {
          header: { alg: 'RS256', [name]: 'https://evil.example/keys' },
          signature: rs256(stranger),
        }),
    ]),
    ...['../one', '/etc/passwd', 'https://evil.example/key', '__proto__', 'ONE', ''].map(
      (kid): [string, () => void] => [
        `kid ${kid}, signed by a stranger`,
        () => Object.assign(behaviour, { header: { alg: 'RS256', kid }, signature: rs256(stranger) }),
      ],
    ),
    ...['rs256', 'EdDSA', 'Ed25519', 'ES256', 'None', 'HS512', ''].map((alg): [string, () => void] => [
      `alg ${alg}`,
      () => Object.assign(behaviour.header, { alg }),
    ]),
    ['a payload that is not encoded', () => Object.assign(behaviour.header, { b64: false, crit: ['b64'] })],
    [
      'half a signature',
      () =>
        Object.assign(behaviour, { signature: (input: string) => rs256(privateKey)(input).subarray(128) }),
    ],
    ['a signature of zeros', () => Object.assign(behaviour, { signature: () => Buffer.alloc(256) })],
    [
      'an error',
      () => Object.assign(behaviour, { answer: { status: 400, body: '{"error":"invalid_grant"}' } }),
    ],
    [
      'no token',
      () =>
        Object.assign(behaviour, {
          answer: { status: 200, body: '{"access_token":"x","token_type":"bearer"}' },
        }),
    ],
    ['no JSON', () => Object.assign(behaviour, { answer: { status: 200, body: '<html>' } })],
  ])('with %s logs nobody in', async (_, lie) => {
    lie();
    expect(['UNAUTHENTICATED']).toContain(await refusal());
  });

  it('that names another issuer in its discovery, or answers without end, is not there', async () => {
    behaviour.metadata['issuer'] = 'https://evil.example';
    expect(await refusal()).toBe('UNAVAILABLE');
    behaviour.metadata['issuer'] = issuer;
    behaviour.answer = { status: 200, body: `{"x":"${'x'.repeat(300_000)}"}` };
    expect(await refusal()).toBe('UNAVAILABLE');
  });

  it('gives an address only if it verified it, and every group once', async () => {
    const subjects = async (more: object) => {
      Object.assign(behaviour.claims, more);
      return (await redeem()).subjects.slice(1).map(({ kind, id }) => `${kind} ${id}`);
    };
    expect(await subjects({ email: 'a@b', email_verified: 'true' })).toEqual([]);
    expect(await subjects({ email: 'a@b', email_verified: true })).toEqual(['email a@b']);
    expect(await subjects({ groups: ['x', 'y', 'x'] })).toEqual(['email a@b', 'group x', 'group y']);
    expect(await subjects({ groups: 'only' })).toEqual(['email a@b', 'group only']);
  });
});

// RBAC-16
describe('a provider', () => {
  const told = expect.objectContaining({
    code: 'UNAVAILABLE',
    data: expect.objectContaining({ hint: expect.stringContaining('metadata services') }),
  });
  const NOWHERE = [
    ...['https://169.254.169.254/x', 'https://2852039166/x', 'https://[::ffff:a9fe:a9fe]/x'],
    ...['https://metadata.google.internal/x', 'https://[fd00:ec2::254]/x', 'http://0.0.0.0/x'],
  ];

  it.each(NOWHERE)('whose token endpoint or keys are at %s is not called there', async (url) => {
    for (const member of ['token_endpoint', 'jwks_uri']) {
      behaviour.metadata = {
        ...behaviour.metadata,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
      };
      behaviour.metadata[member] = url;
      await expect(redeem()).rejects.toEqual(told);
    }
  });

  it.each(NOWHERE)('is not %s', async (url) => {
    settings = { ...settings, issuer: url };
    await expect(createOpenId({ monotonic: () => 0 }).authorizationUrl(settings, CHECKS)).rejects.toEqual(
      told,
    );
  });

  it('whose name leads to where a machine is told its own keys is not called, and a private one is', async () => {
    const leadingTo = (...addresses: readonly string[]) =>
      createOpenId({
        monotonic: () => 0,
        fetch: createOutwardFetch(
          createOutwardLookup(((_: string, __: object, callback: (error: null, found: object[]) => void) =>
            callback(
              null,
              addresses.map((address) => ({ address, family: 4 })),
            )) as typeof lookup),
        ),
      });
    const named = issuer.replace('127.0.0.1', 'localhost');
    settings = { ...settings, issuer: named };
    behaviour.metadata['issuer'] = named;
    for (const addresses of [['169.254.169.254'], ['127.0.0.1', '169.254.169.254']])
      await expect(leadingTo(...addresses).authorizationUrl(settings, CHECKS)).rejects.toEqual(told);
    const found = await leadingTo('127.0.0.1').authorizationUrl(settings, CHECKS);
    expect(found.href).toContain(`${issuer}/auth`);
  });
});
