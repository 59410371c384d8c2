import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { componentName, fieldLines, type HttpRequestMessage } from './component.js';
import { type MessageSignature, parseMessageSignatures } from './message-signature.js';
import { formatSignatureBase } from './signature-base.js';
import { isInnerList } from './structured-field.js';
import { parseFieldDictionary, parseFieldItem } from './structured-field-parser.js';

/** `tag` of a signature of Web Bot Auth. */
export const WEB_BOT_AUTH_TAG = 'web-bot-auth';

/** Who sent a request, as Web Bot Auth tells it. It is a name and no permission (SES-16). */
export interface BotIdentity {
  /** RFC 7638 thumbprint of the key. */
  readonly keyid: string;
  /** What `Signature-Agent` says, where the key directory lies; covered by the signature. */
  readonly agent?: string;
  readonly nonce?: string;
  /** Unix seconds. */
  readonly created: number;
  readonly expires: number;
}

/** Finds the 32-byte Ed25519 key a signature names. */
export type BotKeyFinder = (keyid: string, agent: string | undefined) => Uint8Array | undefined;

const DAY = 86_400;
const SKEW = 60;

/** Verifies the one signature of a request with the tag `web-bot-auth` (draft-meunier-web-bot-auth-architecture): it
 *  covers `@authority` or `@target-uri`, and `signature-agent` where that header is there. Says who sends the request
 *  and authorises nothing.
 *  @throws {TrustError} NO_CAPABILITY: there is no such signature; MALFORMED; PROOF_INVALID; EXPIRED; NOT_YET_VALID */
export function verifyWebBotAuth(
  message: HttpRequestMessage,
  ctx: { readonly now: number; readonly crypto: CryptoProvider; readonly findKey: BotKeyFinder },
): BotIdentity {
  const one = findSignature(message.headers);
  const { created, expires, keyid, nonce } = required(one);
  if (created - ctx.now > SKEW) throw new TrustError('NOT_YET_VALID', 'the signature was created later');
  if (ctx.now >= expires) throw new TrustError('EXPIRED', 'the signature has expired');
  const agent = coveredAgent(one, message.headers);
  checkCovered(one);
  const key = ctx.findKey(keyid, agent);
  if (key === undefined || ed25519Thumbprint(key, ctx.crypto) !== keyid)
    throw invalid('the key is not known');
  const base = encodeUtf8(formatSignatureBase(one.input, message));
  if (!ctx.crypto.ed25519Verify(one.signature, base, key)) throw invalid('the signature does not verify');
  const stated = { ...(agent === undefined ? {} : { agent }), ...(nonce === undefined ? {} : { nonce }) };
  return { keyid, created, expires, ...stated };
}

/** The RFC 7638 thumbprint of an Ed25519 key (RFC 8037 appendix A.3), base64url. */
export function ed25519Thumbprint(publicKey: Uint8Array, crypto: CryptoProvider): string {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64url(publicKey)}"}`;
  return encodeBase64url(crypto.sha256(encodeUtf8(jwk)));
}

function findSignature(headers: readonly string[]): MessageSignature {
  const input = fieldLines('signature-input', headers).join(', ');
  const signature = fieldLines('signature', headers).join(', ');
  const bots = parseMessageSignatures(input, signature).filter(({ parameters }) => {
    return parameters.tag === WEB_BOT_AUTH_TAG;
  });
  const [one] = bots;
  if (one === undefined) throw new TrustError('NO_CAPABILITY', 'no signature of Web Bot Auth');
  if (bots.length > 1) throw malformed('more than one signature of Web Bot Auth');
  return one;
}

function required({ parameters }: MessageSignature) {
  const { created, expires, keyid, nonce, alg = 'ed25519' } = parameters;
  if (alg !== 'ed25519') throw invalid('the algorithm is not ed25519');
  if (created === undefined || expires === undefined || keyid === undefined)
    throw invalid('created, expires and keyid are required');
  if (expires <= created || expires - created > DAY) throw invalid('expires is at most 24 h after created');
  return { created, expires, keyid, nonce };
}

function checkCovered({ input }: MessageSignature): void {
  const names = input.items.map(componentName);
  if (!names.includes('@authority') && !names.includes('@target-uri'))
    throw invalid('the signature covers neither @authority nor @target-uri');
}

/** One string in early drafts; later a dictionary, of which the signature covers one member by `key`. */
function coveredAgent({ input }: MessageSignature, headers: readonly string[]): string | undefined {
  const lines = fieldLines('signature-agent', headers);
  if (lines.length === 0) return undefined;
  const covered = input.items.filter((item) => componentName(item) === 'signature-agent');
  const [one] = covered;
  if (one === undefined || covered.length > 1)
    throw invalid('the signature does not cover signature-agent once');
  const field = lines.join(', ');
  const key = one.params.get('key');
  const member =
    key === undefined
      ? parseFieldItem(field)
      : parseFieldDictionary(field, { unique: true }).get(key.type === 'string' ? key.value : '');
  if (member === undefined || isInnerList(member) || member.item.type !== 'string')
    throw malformed('a signature-agent that is no string');
  return member.item.value;
}

function invalid(why: string): TrustError {
  return new TrustError('PROOF_INVALID', why);
}
