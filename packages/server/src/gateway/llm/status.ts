/** How a refusal of a provider is told to our client. */
export interface ToldStatus {
  readonly status: number;
  /** True if the provider's own words are for the client. */
  readonly passed: boolean;
  readonly hint: string;
}

/** What concerns the request is the client's to know; what concerns the operator's account is not: `isOfAccount` of one that says it
 *  with the status of a fault of the request. */
export function statusOf(status: number, isOfAccount = false): ToldStatus {
  if (isOfAccount)
    return { status: 502, passed: false, hint: 'The provider does not serve the account of the operator.' };
  if (status === 401 || status === 403 || status === 402)
    return {
      status: 502,
      passed: false,
      hint: 'The provider refuses the key of the operator, who must set another.',
    };
  if (status === 429)
    return { status: 429, passed: false, hint: 'The provider takes no more requests now: try again later.' };
  // Bedrock has it of a model that failed.
  if (status === 424) return { status: 502, passed: false, hint: DOWN };
  if (status >= 400 && status < 500)
    return { status, passed: true, hint: `The provider refused the request (${status}).` };
  if (status >= 500)
    return { status: status === 503 || status === 529 ? 503 : 502, passed: false, hint: DOWN };
  return { status: 502, passed: false, hint: 'The provider answered with what is no answer.' };
}

/** True if another provider may have an answer where this one has none. */
export function isForAnother(status: number, { passed }: ToldStatus): boolean {
  return status === 404 || status === 408 || !passed;
}

const DOWN = 'The provider failed: try again later.';

/** True if nobody was there to answer. */
export function isAway(status: number): boolean {
  return AWAY.has(status);
}

const AWAY: ReadonlySet<number> = new Set([502, 503, 504, 529]);
