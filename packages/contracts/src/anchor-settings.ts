import { type Static, Type } from 'typebox';
import { ascii, CLOSED, MAX_INTEGER, text } from './primitive.js';

const LOOPBACK = 'http://(?:127\\.0\\.0\\.1|localhost|\\[::1\\])';
const HOST = `(?:https://[a-z0-9.-]{1,253}|${LOOPBACK})(?::[0-9]{1,5})?`;

const seconds = (fallback: number) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 2_592_000,
      default: fallback,
      description: 'between the beginnings of two anchors',
    }),
  );

const place = (description: string) => ascii(`^${HOST}(?:/[A-Za-z0-9._~-]{1,64}){0,8}$`, 600, description);

/** Anchoring in a contract on an EVM chain. */
export const EvmAnchorSettings = Type.Object(
  {
    kind: Type.Literal('evm'),
    rpc: text(2048, {
      pattern: `^${HOST}(?:[/?][!-~]*)?$`,
      description:
        'JSON-RPC endpoint; a reference to a variable if it holds a key. http only on this machine',
    }),
    chainId: Type.Integer({ minimum: 1, maximum: MAX_INTEGER }),
    contract: ascii('^0x[0-9a-fA-F]{40}$', 42, 'address of the anchor contract'),
    confirmations: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        default: 12,
        description: 'blocks that make an anchor final: its own and those on it',
      }),
    ),
    maxFeeGwei: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 100,
        description: 'most a unit of gas may cost',
      }),
    ),
    everySeconds: seconds(3600),
  },
  CLOSED,
);
export type EvmAnchorSettings = Static<typeof EvmAnchorSettings>;

/** Anchoring in Bitcoin through calendars of OpenTimestamps. */
export const OpenTimestampsSettings = Type.Object(
  {
    kind: Type.Literal('opentimestamps'),
    calendars: Type.Array(place('a calendar, without a slash at the end; http only on this machine'), {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
    }),
    explorer: Type.Optional(
      place(
        'where headers of Bitcoin blocks are looked up (API of Esplora); http only on this machine. Without it these anchors count neither for the lag nor for pruning',
      ),
    ),
    everySeconds: seconds(3600),
  },
  CLOSED,
);
export type OpenTimestampsSettings = Static<typeof OpenTimestampsSettings>;

export const AnchorSettings = Type.Union([EvmAnchorSettings, OpenTimestampsSettings]);
export type AnchorSettings = Static<typeof AnchorSettings>;

/** Where the log is anchored. On one chain it is once: two would take each other's nonces. */
export const AnchorSettingsList = Type.Refine(
  Type.Array(AnchorSettings, { maxItems: 8 }),
  (anchors) => new Set(anchors.map(chainOf)).size === anchors.length,
  () => 'must name each chain once',
);

function chainOf(anchor: AnchorSettings): string {
  return anchor.kind === 'evm' ? `eip155:${anchor.chainId}` : 'bitcoin';
}
