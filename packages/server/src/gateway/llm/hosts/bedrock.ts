import { TrustError } from '@talosprotocol/protocol';
import { readAwsEvents } from './aws-events.js';
import { signForAws } from './aws-signature.js';
import type { ModelHost } from './host.js';
import { PLAIN_HOST } from './plain.js';

/** Models of Anthropic on AWS Bedrock: each model has an address of its own, and a stream is one of AWS's binary messages.
 *  The key is one of Bedrock's API keys, or an access key that requests are signed with.
 *  Source: docs.aws.amazon.com/bedrock, "InvokeModel", "InvokeModelWithResponseStream" and "Anthropic Claude Messages API". */
export function createBedrockHost(region: string): ModelHost {
  return {
    ...createAwsHost(region),
    assertServes: ({ method }) => {
      if (method !== 'messages')
        throw new TrustError('UNKNOWN_MODEL', `Bedrock does not serve ${method}`, {
          hint: 'Of this protocol only messages are served there.',
        });
    },
    path: ({ model, stream }) =>
      `/model/${encodeURIComponent(model)}/${stream ? 'invoke-with-response-stream' : 'invoke'}`,
    body: ({ model: _, stream: __, ...request }, { betas = [] }) => ({
      ...request,
      anthropic_version: 'bedrock-2023-05-31',
      ...(betas.length === 0 ? {} : { anthropic_beta: betas }),
    }),
    streamType: 'application/vnd.amazon.eventstream',
    events: readAwsEvents,
  };
}

/** What AWS serves as its makers wrote it (below `/openai/v1`), with a key of AWS. */
export function createAwsHost(region: string): ModelHost {
  return {
    ...PLAIN_HOST,
    headers: async ({ key, url, body, now }) => {
      if (key === undefined) return {};
      const access = parseAccessKey(key);
      return access === undefined
        ? { authorization: `Bearer ${key}` }
        : signForAws({ ...access, region, url, body, now });
    },
  };
}

/** An access key of AWS. */
interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** `<access key id>:<secret access key>` with `:<session token>` of one that is temporary; undefined if it is another key. */
function parseAccessKey(key: string): AccessKey | undefined {
  const [, accessKeyId, secretAccessKey, sessionToken] =
    /^(A[A-Z]{3}[A-Z0-9]{12,28}):([A-Za-z0-9/+=]{16,128})(?::([A-Za-z0-9/+=]{16,4096}))?$/.exec(key) ?? [];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
