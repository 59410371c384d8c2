import { PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';
import { type CryptoProvider, isTrustError, portableCrypto, type TrustError } from '@talosprotocol/protocol';
import { createFastestCrypto, createNodeCrypto } from '@talosprotocol/protocol/node';

/** Every provider of cryptography; all give the same answer. */
export const PROVIDERS: readonly CryptoProvider[] = [
  portableCrypto,
  createNodeCrypto(),
  await createFastestCrypto(),
];

/** What came of one attempt: the refusal, or what went wrong instead of one. */
export type Outcome = { readonly error: TrustError } | { readonly fault: string };

/** Runs an attempt that must be refused with a code of the table. */
export async function refusalOf(attempt: () => unknown): Promise<Outcome> {
  try {
    await attempt();
    return { fault: 'was accepted' };
  } catch (error) {
    if (!isTrustError(error)) return { fault: `threw ${String(error)}` };
    if (!Object.hasOwn(PROBLEMS, error.code)) return { fault: `has the code ${error.code}` };
    return { error };
  }
}

/** Longest message and data of one refusal: a caller must not make us write what it sent into a log. */
const MAX_TEXT = 1500;

/** What is wrong with an attempt's outcome, if it is not one of the codes; undefined if all is well. */
export async function faultOf(
  attempt: () => unknown,
  codes: readonly ProblemCode[],
): Promise<string | undefined> {
  const outcome = await refusalOf(attempt);
  if ('fault' in outcome) return outcome.fault;
  const { error } = outcome;
  if (!codes.includes(error.code)) return `${error.code} (${error.message}) instead of ${codes.join(' or ')}`;
  const text = `${error.message}${JSON.stringify(error.data)}`;
  return text.length > MAX_TEXT ? `a refusal of ${text.length} characters` : undefined;
}
