/** Readers of PDF take one for it that has its head somewhere in so many of its first bytes. */
const HEAD_WITHIN = 1024;
const HEAD = '%PDF';

/** True of base64 that readers of PDF take for a PDF, whatever it is said to be. */
export function isPdf(base64: string): boolean {
  const characters = Math.ceil((HEAD_WITHIN + HEAD.length) / 3) * 4;
  return Buffer.from(base64.slice(0, characters), 'base64').includes(HEAD);
}
