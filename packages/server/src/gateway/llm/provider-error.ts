import { TrustError } from '@talosprotocol/protocol';

/** A stream in which its provider says that it failed. What it says of it may be of the operator's account, and is not told. */
export function endedByError(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the provider ended the stream with an error');
}
