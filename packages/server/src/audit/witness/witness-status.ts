import type { WitnessesStatus } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import type { Witnessing, WitnessView } from './witnessing.js';

/** How the witnesses are, for whoever asks. */
export function statusOf(witnessing: Witnessing): WitnessesStatus {
  const { quorum, witnesses } = witnessing.view();
  const witnessed = witnessing.witnessed();
  return {
    quorum,
    checkpoint:
      witnessed === undefined
        ? null
        : { size: witnessed.size, witnesses: witnessed.cosignatures.map(({ name }) => name) },
    witnesses: witnesses.map(viewOf),
  };
}

function viewOf({ name, vkey, url, size, time, fault }: WitnessView): WitnessesStatus['witnesses'][number] {
  return {
    name,
    vkey,
    url,
    size: size ?? null,
    cosigned: time === undefined ? null : formatTime(time * 1000),
    fault:
      fault === undefined
        ? null
        : {
            code: fault.code,
            detail: fault.detail,
            since: formatTime(fault.sinceMs),
            times: fault.times,
          },
  };
}
