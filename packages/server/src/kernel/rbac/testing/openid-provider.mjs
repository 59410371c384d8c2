// A real OpenID provider on loopback for the tests. Usage: node openid-provider.mjs <redirect uri>. It says its issuer on
// standard output and ends with its standard input. Whoever logs in gets the claims that its name says.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'talos',
        client_secret: 'a secret of the tests, long enough',
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: 'RS256',
      },
    ],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a key of the tests'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();

function claimsOf(sub) {
  const groups = sub === 'bob' ? ['staff', 'blocked'] : ['staff'];
  return { sub, email: `${sub}@example.com`, email_verified: sub !== 'eve', groups };
}
