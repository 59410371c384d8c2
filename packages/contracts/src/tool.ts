import { type Static, Type } from 'typebox';
import { Cost } from './capability.js';
import { CLOSED, HexHash, JsonPointer, Op } from './primitive.js';

/** Where a tool's arguments name a resource (DEC-8). In `ptr` a whole token `*` stands for each element of an array. */
export const ToolResource = Type.Object(
  {
    ptr: JsonPointer,
    kind: Type.Union([Type.Literal('path'), Type.Literal('url'), Type.Literal('id')]),
    op: Type.Optional(Op),
    required: Type.Boolean(),
    resolve: Type.Optional(Type.Literal('realpath')),
  },
  CLOSED,
);
export type ToolResource = Static<typeof ToolResource>;

/** What the operator says a tool does (DEC-8). */
export const ToolManifest = Type.Object(
  { op: Op, resources: Type.Array(ToolResource, { maxItems: 16 }), cost: Type.Optional(Cost) },
  CLOSED,
);
export type ToolManifest = Static<typeof ToolManifest>;

/** A manifest together with the pin of the tool it was confirmed for (DEC-8). */
export const PinnedTool = Type.Object({ ...ToolManifest.properties, pin: HexHash }, CLOSED);
export type PinnedTool = Static<typeof PinnedTool>;
