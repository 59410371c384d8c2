// What the package offers of its folder examination, by name.
export {
  createEventExaminer,
  type EmitterEnd,
  type EventExamination,
  type EventExaminer,
} from './examine-events.js';
export { examineTree, type TreeExamination } from './examine-tree.js';
export type { LogFault, OnFault } from './fault.js';
export type { TileSource } from './tile-source.js';
