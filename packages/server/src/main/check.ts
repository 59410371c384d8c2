/** One thing that `doctor` looked at. `mend` says what to do where it is not well, or what would be better where it is. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly mend?: string;
}
