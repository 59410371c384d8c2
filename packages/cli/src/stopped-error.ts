export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Somebody ended the command: no failure, and the exit code is the shell's for that signal. */
export class StoppedError extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: StopSignal = 'SIGINT') {
    super('stopped');
    this.name = 'StoppedError';
    this.exitCode = signal === 'SIGTERM' ? 143 : 130;
  }
}
