// What the package offers of its folder revocation, by name.
export {
  type BelowOptions,
  isRevocationBelow,
  type ParsedRevocationBelow,
  parseRevocationBelow,
  signRevocationBelow,
  type VerifiedRevocationBelow,
  verifyRevocationBelow,
} from './below.js';
export { type BelowRules, createBelowRules, ruleName } from './below-rules.js';
export {
  type FeedEntry,
  type FeedHead,
  type FeedHeartbeat,
  hashFeedItems,
  parseFeedEntry,
  parseFeedHeartbeat,
  parseFeedSnapshot,
  signFeedEntry,
  signFeedHeartbeat,
  signFeedSnapshot,
} from './feed.js';
export {
  createFeedReader,
  type FeedFault,
  type FeedReader,
  type FeedReaderDeps,
  SILENCE_MS,
} from './feed-reader.js';
export {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  parseStatusListToken,
  type StatusList,
  signStatusListToken,
} from './status-list.js';
