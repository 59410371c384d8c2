/** Something that is wrong in a log. */
export interface LogFault {
  /** A file of the log (`tile/0/x001/234`, `checkpoint`), what of an entry is wrong (`event`, `row`), or all of it (`log`). */
  readonly where: string;
  /** Index of the entry, or of the leaf below a hash: counted over the whole log. Absent if it is about all of it. */
  readonly index?: number;
  readonly what: string;
}

/** Told of each fault as it is found. */
export type OnFault = (fault: LogFault) => void;
