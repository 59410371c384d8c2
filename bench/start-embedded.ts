import type { Benchmark } from './benchmark.js';
import { startPlatform, withFolder } from './platform.js';
import { median, percentile } from './runner.js';

const WORK = 'process start, embedded PostgreSQL, keys, policy, log recovery, canary, all roles listening';

/** From the start of the process to the line that says it serves, on a data folder that was used before. */
export const startEmbedded: Benchmark = {
  name: 'start.embedded',
  run: (_effort, quick) =>
    withFolder(async (folder) => {
      await (await startPlatform(folder)).stop();
      const times: number[] = [];
      let rss_bytes = 0;
      for (let round = 0; round < (quick ? 1 : 5); round += 1) {
        const platform = await startPlatform(folder);
        times.push(platform.readyMs * 1000);
        rss_bytes = platform.rssBytes();
        await platform.stop();
      }
      const figures = {
        ops_per_s: 1e6 / median(times),
        p50_us: median(times),
        p99_us: percentile(times, 0.99),
        p999_us: percentile(times, 0.999),
      };
      const row = { name: 'start.embedded', params: { start: 'second', work: WORK }, ...figures };
      return [{ ...row, bytes_per_op: null, rss_bytes, ratios: {}, rounds: times.length, peers: {} }];
    }),
};
