/** `agent-passport-system`: one signed delegation, verified from its JSON, then its scope is asked. */
import { createDelegation, generateKeyPair, scopeAuthorizes, verifyDelegation } from 'agent-passport-system';
import { AGENTS, folderPath, mixContender, type PeerCall } from './mix.js';
import { servePeer } from './peer-process.js';

const principal = generateKeyPair();
const texts = Array.from({ length: AGENTS }, (_, session) => issue(session));
const forged = alter(texts[0] as string);

function issue(session: number): string {
  const delegation = createDelegation({
    delegatedTo: generateKeyPair().publicKey,
    delegatedBy: principal.publicKey,
    scope: [scopeOf('read', folderPath(session))],
    expiresInHours: 1,
    privateKey: principal.privateKey,
  });
  return JSON.stringify(delegation);
}

/** Its scopes are names joined by colons, each covering what follows it. */
function scopeOf(operation: string, path: string): string {
  return `${operation}${path.replaceAll('/', ':')}`;
}

function alter(text: string): string {
  const { signature, ...rest } = JSON.parse(text) as { readonly signature: string };
  const changed = `${signature[0] === '0' ? '1' : '0'}${signature.slice(1)}`;
  return JSON.stringify({ ...rest, signature: changed });
}

function decide({ session, operation, path, forged: isForged }: PeerCall): boolean {
  const delegation = JSON.parse(isForged ? forged : (texts[session] as string)) as Parameters<
    typeof verifyDelegation
  >[0];
  if (delegation.delegatedBy !== principal.publicKey || !verifyDelegation(delegation).valid) return false;
  return scopeAuthorizes(delegation.scope, scopeOf(operation, path));
}

await servePeer(mixContender('aps', decide));
