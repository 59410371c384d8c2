/** Biscuit tokens: verified from their text, then asked by an authorizer with the facts of the call. */
import { AuthorizerBuilder, Biscuit, KeyPair, SignatureAlgorithm } from '@biscuit-auth/biscuit-wasm';
import { AGENTS, folderPath, mixContender, type PeerCall } from './mix.js';
import { servePeer } from './peer-process.js';

const root = new KeyPair(SignatureAlgorithm.Ed25519);
const publicKey = root.getPublicKey();
const tokens = Array.from({ length: AGENTS }, (_, session) => issue(session));
const forged = alter(tokens[0] as string);

function issue(session: number): string {
  const builder = Biscuit.builder();
  builder.addCodeWithParameters(
    `agent({agent}); right("read", {prefix}); check if time($now), $now < ${timeText(3_600_000)};`,
    { agent: `agent-${session}`, prefix: `${folderPath(session)}/` },
    {},
  );
  return builder.build(root.getPrivateKey()).toBase64();
}

/** A time so many milliseconds from now, as its language writes it. */
function timeText(fromNow: number): string {
  return new Date(Date.now() + fromNow).toISOString();
}

/** One character within the last signature. */
function alter(token: string): string {
  const at = token.length - 60;
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}

function decide({ session, operation, path, forged: isForged }: PeerCall): boolean {
  let token: Biscuit | undefined;
  try {
    token = Biscuit.fromBase64(isForged ? forged : (tokens[session] as string), publicKey);
    const builder = new AuthorizerBuilder();
    builder.addCodeWithParameters(
      `operation({operation}); resource({path}); time(${timeText(0)});
       allow if operation($op), resource($path), right($op, $prefix), $path.starts_with($prefix);`,
      { operation, path },
      {},
    );
    const authorizer = builder.buildAuthenticated(token);
    try {
      return authorizer.authorizeWithLimits({ max_time_micro: 1_000_000 }) >= 0;
    } finally {
      authorizer.free();
    }
  } catch {
    return false;
  } finally {
    token?.free();
  }
}

await servePeer(mixContender('biscuit', decide));
