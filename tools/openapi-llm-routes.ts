import type { Route } from './openapi-routes.js';

const call = { on: ['gateway'], method: 'post', needs: 'agent', status: 200 } as const;
const list = { ...call, method: 'get', answer: { type: 'object' } } as const;
/** Requests and answers are the providers', and documented by them. */
const theirs = { body: { type: 'object' }, answer: { type: 'object' } } as const;

/** The routes on which agents reach models. */
export const LLM_ROUTES: readonly Route[] = [
  {
    ...call,
    ...theirs,
    path: '/v1/chat/completions',
    id: 'chatCompletions',
    summary: "OpenAI's chat completions, whole or as a stream (LLM-1)",
  },
  {
    ...call,
    ...theirs,
    path: '/v1/responses',
    id: 'responses',
    summary: "OpenAI's responses, whole or as a stream (LLM-24)",
  },
  {
    ...call,
    ...theirs,
    path: '/v1/embeddings',
    id: 'embeddings',
    summary: "OpenAI's embeddings (LLM-21)",
  },
  {
    ...list,
    path: '/v1/models',
    id: 'listModels',
    summary: "Lists the models the caller may use, in OpenAI's form (LLM-22)",
  },
  {
    ...list,
    path: '/v1/models/{model}',
    id: 'getModel',
    summary: "Answers one model the caller may use, in OpenAI's form (LLM-22)",
  },
  {
    ...list,
    path: '/anthropic/v1/models',
    id: 'listAnthropicModels',
    summary: "Lists the models the caller may use, in Anthropic's form (LLM-22)",
  },
  {
    ...list,
    path: '/anthropic/v1/models/{model}',
    id: 'getAnthropicModel',
    summary: "Answers one model the caller may use, in Anthropic's form (LLM-22)",
  },
  {
    ...call,
    ...theirs,
    path: '/anthropic/v1/messages',
    id: 'messages',
    summary: "Anthropic's messages, whole or as a stream (LLM-1)",
  },
  {
    ...call,
    ...theirs,
    path: '/anthropic/v1/messages/count_tokens',
    id: 'countTokens',
    summary: "Anthropic's count of the tokens of a message (LLM-23)",
  },
];
