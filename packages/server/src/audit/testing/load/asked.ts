import type { Traffic } from '../traffic.js';
import type { Percentiles } from './ingest.js';
import type { LoadPlace } from './load-log.js';
import type { Remembered } from './remembered.js';

/** How long the answers to one kind of question took, each request by itself. */
export interface Asked extends Percentiles {
  readonly query: string;
  readonly samples: number;
  /** Most requests until a page was full, or everything there. */
  readonly requests: number;
}

/** A log, and what was put into it. */
export interface Bench {
  readonly place: LoadPlace;
  readonly traffic: Traffic;
  readonly remembered: Remembered;
  readonly samples: number;
}
