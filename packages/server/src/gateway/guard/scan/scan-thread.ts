import { type MessagePort, parentPort } from 'node:worker_threads';
import { createDetector, type DetectorSpec } from '../detect/detector.js';
import type { Detector, Finding } from '../detect/finding.js';

/** What the thread is asked: to look through texts, with what `key` stands for. `spec` is there the first time. */
export interface ScanJob {
  readonly key: string;
  readonly spec?: DetectorSpec;
  readonly texts: readonly string[];
}

/** What it answers; undefined if it could not look. */
export type ScanAnswer = readonly (readonly Finding[])[] | undefined;

/** Answers job after job, in their order. It is sent nothing before it has answered. */
function serveScans(port: MessagePort): void {
  const known = new Map<string, Detector>();
  const work = async ({ key, spec, texts }: ScanJob): Promise<ScanAnswer> => {
    const detector = known.get(key) ?? (spec && createDetector(spec));
    if (detector === undefined) return undefined;
    known.set(key, detector);
    return detector(texts);
  };
  port.on('message', (job: ScanJob) => {
    work(job).then(
      (answer) => port.postMessage(answer),
      () => port.postMessage(undefined),
    );
  });
}

if (parentPort !== null) serveScans(parentPort);
