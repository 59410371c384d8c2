import type { ActionRecord } from '@talosprotocol/contracts';
import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Ended } from '../admission/ended.js';
import type { PolicyView } from '../admission/ports.js';
import { operationOf } from './operation.js';
import { isNothing } from './spent-attributes.js';

/** A call that has ended. */
export interface MeasuredCall {
  readonly action: ActionRecord;
  /** `error.type`; undefined if all went well. */
  readonly error: string | undefined;
  readonly seconds: number;
}

/** Measures calls in the names of OpenTelemetry's conventions. */
export interface CallMeter {
  ended(call: MeasuredCall): void;
  /** The first bit of a stream came, so long after its request. */
  began(action: ActionRecord, seconds: number): void;
  /** A model was asked, and this is what it came to. */
  spent(action: ActionRecord, end: Ended): void;
}

// The buckets are those of the conventions.
const DURATIONS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
const TOOLS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const MODEL_LABELS = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'] as const;
const MAX_SERIES = 1_024;

/** Builds it. Labels hold names of the policy alone; whatever else a client named is `other`. */
export function measureCalls(metrics: Metrics, policy: PolicyView): CallMeter {
  const durations = metrics.histogram({
    name: 'gen_ai_server_request_duration_seconds',
    help: 'Calls of models, from the request to the end of the answer; error_type is none where all went well.',
    labels: [...MODEL_LABELS, 'error_type'],
    buckets: DURATIONS,
    maxSeries: MAX_SERIES,
  });
  const first = metrics.histogram({
    name: 'gen_ai_server_time_to_first_token_seconds',
    help: 'Streams of models, from the request to the first bit of the answer.',
    labels: MODEL_LABELS,
    buckets: FIRST,
  });
  const tokens = metrics.histogram({
    name: 'gen_ai_client_token_usage',
    help: 'Tokens of a call as its provider counted them; what is only estimated is not here.',
    labels: [...MODEL_LABELS, 'gen_ai_token_type'],
    buckets: TOKENS,
    maxSeries: MAX_SERIES,
  });
  const tools = metrics.histogram({
    name: 'mcp_server_operation_duration_seconds',
    help: 'Calls of tools, from the request to the answer; error_type is none where all went well.',
    // Not which tool: who reads metrics learns how things are, and not what is done.
    labels: ['server', 'error_type'],
    buckets: TOOLS,
    maxSeries: MAX_SERIES,
  });
  const modelOf = (action: ActionRecord) => modelLabels(action, policy);
  return {
    ended: ({ action, error = 'none', seconds }) => {
      const operation = operationOf(action);
      if (operation === undefined) return;
      if (operation === 'execute_tool')
        tools.with({ server: serverOf(action, policy), error_type: error }).record(seconds);
      else durations.with({ error_type: error, ...modelOf(action) }).record(seconds);
    },
    began: (action, seconds) => first.with(modelOf(action)).record(seconds),
    spent: (action, { spent }) => {
      if (spent === undefined || isNothing(spent) || spent.usage.estimated === true) return;
      const labels = modelOf(action);
      tokens.with({ gen_ai_token_type: 'input', ...labels }).record(spent.usage.input);
      tokens.with({ gen_ai_token_type: 'output', ...labels }).record(spent.usage.output);
    },
  };
}

const OTHER = 'other';

function modelLabels(action: ActionRecord, policy: PolicyView) {
  const { provider = '', model = '' } = action;
  const known = policy().providers.get(provider);
  return {
    gen_ai_operation_name: operationOf(action) ?? OTHER,
    gen_ai_provider_name: known?.name ?? OTHER,
    gen_ai_request_model: known?.models?.has(model) === true ? model : OTHER,
  };
}

const serverOf = ({ server = '' }: ActionRecord, policy: PolicyView): string =>
  policy().servers.get(server)?.name ?? OTHER;
