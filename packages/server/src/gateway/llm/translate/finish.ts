import type { JsonValue } from '@talosprotocol/protocol';
import { shown } from '../../shown.js';
import type { Fault } from './sayable.js';

/** Why an answer ended: `stop_reason` of Anthropic's messages, `finish_reason` of OpenAI's chat. */

const FINISH: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

export function finishReason(stop: JsonValue | undefined, fault: Fault): string {
  const finish = typeof stop === 'string' && Object.hasOwn(FINISH, stop) ? FINISH[stop] : undefined;
  if (finish === undefined) throw fault(`stop_reason ${shown(stop)}`);
  return finish;
}

const STOP: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

/** OpenAI says `stop` also where the one tool that had to be called is called. */
export function stopReason(finish: JsonValue | undefined, hasCalls: boolean, fault: Fault): string {
  const stop = typeof finish === 'string' && Object.hasOwn(STOP, finish) ? STOP[finish] : undefined;
  if (stop === undefined) throw fault(`finish_reason ${shown(finish)}`);
  return stop === 'end_turn' && hasCalls ? 'tool_use' : stop;
}
