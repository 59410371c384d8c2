/** A form of secrets that the rules of secretlint do not know. The first group is the secret, else all of it. Every repetition
 *  is bounded, so that no text takes longer than its length. */
export interface SecretPattern {
  readonly pattern: RegExp;
  /** False of what only stands in for a secret. */
  readonly isOne?: (secret: string) => boolean;
}

export const MORE_SECRETS: readonly SecretPattern[] = [
  // A block whose end is not there is one all the same: the rest of it may come.
  {
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:[A-Za-z0-9+/=\s\\:,]|-(?!-)){0,16384}(?:-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----|-{0,5}$)|(?:[\s\\nr]{0,8}[A-Za-z0-9+/=]{16,128}){0,256})/dg,
  },
  // JSON Web Tokens: two parts that are objects, and a third.
  { pattern: /(?<![\w-])eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}\.[\w-]{16,2048}/dg },
  { pattern: /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,247}\b/dg },
  { pattern: /\bwhsec_[A-Za-z0-9+/=]{24,88}/dg },
  { pattern: /\bAIza[\w-]{35}(?![\w-])/dg },
  { pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/dg, isOne: isGiven },
  { pattern: /\bSG\.[\w-]{16,32}\.[\w-]{16,64}/dg },
  { pattern: /\b[0-9]{8,10}:AA[\w-]{33}(?![\w-])/dg },
  { pattern: /(?<![\w-])-u {0,2}["']?[\w.@-]{1,64}:([^\s"'@]{6,256})/dg, isOne: isGiven },
  { pattern: /\bsshpass {1,2}-p {0,2}["']?([^\s"']{4,256})/dg, isOne: isGiven },
  { pattern: /\bya29\.[\w-]{20,512}/dg },
  { pattern: /\b(?:dop|doo|dor)_v1_[0-9a-f]{64}\b/dg },
  { pattern: /\bpypi-AgEI[\w-]{50,512}/dg },
  { pattern: /\bSK[0-9a-f]{32}\b/dg },
  { pattern: /\bkey-[0-9a-f]{32}\b/dg },
  { pattern: /\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}\b/dg },
  { pattern: /\bxapp-[0-9]-[A-Z0-9]{8,16}-[0-9]{10,16}-[0-9a-f]{32,80}\b/dg },
  { pattern: /\bhooks\.slack\.com\/services\/(T[A-Z0-9]{8,12}\/B[A-Z0-9]{8,12}\/[A-Za-z0-9]{20,32})/dg },
  { pattern: /\bAKCp[A-Za-z0-9]{10,100}\b/dg },
  { pattern: /\brnd_[A-Za-z0-9]{24,64}\b/dg },
  { pattern: /\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b/dg },
  { pattern: /\bsk-(?:proj|svcacct|admin|or-v1)-[\w-]{20,256}/dg, isOne: isRandom },
  { pattern: /\bsk-[A-Za-z0-9]{32,64}\b/dg, isOne: isRandom },
  // Passwords in addresses, of every scheme.
  {
    pattern: /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s/:@"'<>]{0,128}:([^\s/@"'<>]{3,256})@[\w.-]/dgi,
    isOne: isGiven,
  },
  {
    pattern:
      /\bAuthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:Basic|Bearer|Token)\s{1,4}([\w+/=.~-]{16,4096})/dgi,
    isOne: isGiven,
  },
  // What is called a secret, and set to what looks like one.
  {
    pattern:
      /(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|client[_-]?secret|credential)s?["']?(?: {1,2}(?:is|was))?\s{0,8}(?:=>|:=|=|:|(?<= (?:is|was)) )\s{0,8}["'`]?([^\s"'`,;<>(){}[\]\\]{8,512})/dgi,
    isOne: isHard,
  },
];

/** Words that say where a secret would stand. */
const STAND_IN =
  /^(?:x{4,}|\*{3,}|\.{3,}|-+|_+|0+|(?:your|my|some|the|insert|replace|change|example|sample|dummy|fake|test|todo|none|null|undefined|redacted|placeholder|process\.env|os\.environ|env\.|secrets\.|vault:|\$|<|\{|%).*)/i;

/** Not a reference to a variable, a word for a place, or one character again and again. */
function isGiven(secret: string): boolean {
  return (
    !STAND_IN.test(secret) && new Set(secret).size > 3 && !/x{6,}|\*{4,}|example|placeholder/i.test(secret)
  );
}

/** As random as what a machine made: letters and digits, and many of them. */
function isRandom(secret: string): boolean {
  return isGiven(secret) && /[0-9]/.test(secret) && /[A-Za-z]/.test(secret) && new Set(secret).size >= 12;
}

/** No word of a language, of a program or of a path. */
function isHard(secret: string): boolean {
  if (!isGiven(secret) || /[/.]/.test(secret.slice(0, 2))) return false;
  if (/^[\w$]+(?:\.[\w$]+)+$/.test(secret) && !/[0-9]/.test(secret)) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(secret)).length;
  return kinds >= 3 || (kinds === 2 && /[0-9]/.test(secret) && secret.length >= 12);
}
