/** A bare item of RFC 9651 section 3.3, with its type: a token is not a string. */
export type BareItem =
  | { readonly type: 'integer'; readonly value: number }
  | { readonly type: 'decimal'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'token'; readonly value: string }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** Unix seconds. */
  | { readonly type: 'date'; readonly value: number }
  | { readonly type: 'display'; readonly value: string };

/** Parameters in their order (RFC 9651 section 3.1.2). */
export type Parameters = ReadonlyMap<string, BareItem>;

/** An item with its parameters (RFC 9651 section 3.3). */
export interface FieldItem {
  readonly item: BareItem;
  readonly params: Parameters;
}

/** An inner list with its parameters (RFC 9651 section 3.1.1). */
export interface InnerList {
  readonly items: readonly FieldItem[];
  readonly params: Parameters;
}

/** A member of a list or dictionary. */
export type FieldMember = FieldItem | InnerList;

/** A dictionary in the order of its members (RFC 9651 section 3.2). */
export type FieldDictionary = ReadonlyMap<string, FieldMember>;

/** True for an inner list. */
export function isInnerList(member: FieldMember): member is InnerList {
  return 'items' in member;
}
