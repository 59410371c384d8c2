import type { LogFault } from '@talosprotocol/protocol';

/** Faults as they are found: all are counted, and the first ones kept, so that a log that is damaged everywhere fits. */
export interface FaultList {
  readonly add: (fault: LogFault) => void;
  readonly count: number;
  readonly faults: readonly LogFault[];
}

const MAX_LISTED = 1_000;

export function createFaultList(): FaultList {
  const faults: LogFault[] = [];
  let count = 0;
  return {
    add: (fault) => {
      count += 1;
      if (faults.length < MAX_LISTED) faults.push(fault);
    },
    get count() {
      return count;
    },
    faults,
  };
}
