import type { ModelHost } from './host.js';
import { PLAIN_HOST } from './plain.js';

/** Azure OpenAI. With a dated version of its API each deployment has an address of its own; without one, below
 *  `/openai/v1`, the model is the name of the deployment.
 *  Source: learn.microsoft.com/azure/foundry/openai, "API version lifecycle" and "REST API reference". */
export function createAzureHost(apiVersion: string | undefined): ModelHost {
  return {
    ...PLAIN_HOST,
    path: ({ dialect, model }) => {
      if (apiVersion === undefined) return dialect.path;
      // Responses name the deployment in their body.
      const below = dialect.method === 'responses' ? '' : `/deployments/${encodeURIComponent(model)}`;
      return `${below}${dialect.path}?api-version=${apiVersion}`;
    },
    headers: async ({ key }): Promise<Record<string, string>> =>
      key === undefined ? {} : { 'api-key': key },
  };
}
