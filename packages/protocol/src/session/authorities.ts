import { createSlotList, type SlotList } from './slot-list.js';

/** What sessions were opened for. */
export interface AuthorityTerms<T> {
  /** Whose sessions they are: the leaf's `sub`. */
  readonly subject: string;
  /** The `lid` of every link of the chain, root first. */
  readonly lids: readonly string[];
  readonly context: T;
  /** Unix seconds before which it is not valid. */
  readonly validFrom: number;
  /** What the context takes in memory. */
  readonly bytes: number;
}

/** Terms in use, shared by all sessions that were opened for the same. */
export interface Authority<T> extends AuthorityTerms<T> {
  readonly id: number;
  readonly key: string | undefined;
  readonly sessions: SlotList;
  readonly owner: Subject;
  /** The entry of the root link, which counts what lies below it. */
  readonly root: Link<T> | undefined;
  /** A revoked one is found by nobody any more and waits for its sessions to be ended. */
  revoked: boolean;
}

/** All sessions of one holder, oldest first. */
export interface Subject {
  readonly did: string;
  readonly sessions: SlotList;
  authorities: number;
}

/** What lies below one link. The numbers are kept for root links. */
export interface Link<T> {
  readonly authorities: Set<Authority<T>>;
  sessions: number;
  bytes: number;
}

/** The terms in use. */
export interface Authorities<T> {
  /** From which second on the terms with this id are valid; a revoked id never is. */
  validFrom(id: number): number;
  at(id: number): Authority<T>;
  /** The terms under this key, if they are in use. */
  find(key: string | undefined): Authority<T> | undefined;
  add(key: string | undefined, terms: AuthorityTerms<T>): Authority<T>;
  /** Forgets terms without a session. */
  remove(authority: Authority<T>): void;
  subject(did: string): Subject | undefined;
  link(lid: string): Link<T> | undefined;
  /** Puts all terms with this link out of force at once; their sessions are the caller's to end. */
  revoke(lid: string): readonly Authority<T>[];
}

/** A revoked authority is valid from the end of time. */
export const NEVER = 0xffff_ffff;

/** Makes an empty set of terms. */
export function createAuthorities<T>(): Authorities<T> {
  const byKey = new Map<string, Authority<T>>();
  const subjects = new Map<string, Subject>();
  const links = new Map<string, Link<T>>();
  const rows = createRows<T>();

  function add(key: string | undefined, terms: AuthorityTerms<T>): Authority<T> {
    const id = rows.take();
    const owner = subjects.get(terms.subject) ?? {
      did: terms.subject,
      sessions: createSlotList(),
      authorities: 0,
    };
    subjects.set(owner.did, owner);
    owner.authorities += 1;
    const entries = terms.lids.map((lid) => linkOf(links, lid));
    const authority = {
      ...terms,
      id,
      key,
      owner,
      root: entries[0],
      sessions: createSlotList(),
      revoked: false,
    };
    for (const entry of entries) entry.authorities.add(authority);
    if (authority.root !== undefined) authority.root.bytes += terms.bytes;
    rows.fill(authority);
    if (key !== undefined) byKey.set(key, authority);
    return authority;
  }

  /** What finds it: a revoked one must be found by no opening. */
  function unindex(authority: Authority<T>): void {
    for (const lid of authority.lids) {
      const link = links.get(lid);
      if (link?.authorities.delete(authority) && link.authorities.size === 0) links.delete(lid);
    }
    if (authority.key !== undefined) byKey.delete(authority.key);
    if (authority.root !== undefined) authority.root.bytes -= authority.bytes;
  }

  function remove(authority: Authority<T>): void {
    if (!authority.revoked) unindex(authority);
    rows.putBack(authority.id);
    authority.owner.authorities -= 1;
    if (authority.owner.authorities === 0) subjects.delete(authority.subject);
  }

  function revoke(lid: string): readonly Authority<T>[] {
    const revoked = [...(links.get(lid)?.authorities ?? [])];
    for (const authority of revoked) {
      unindex(authority);
      authority.revoked = true;
      rows.refuse(authority.id);
    }
    return revoked;
  }

  return {
    validFrom: rows.validFrom,
    at: rows.at,
    find: (key) => (key === undefined ? undefined : byKey.get(key)),
    add,
    remove,
    subject: (did) => subjects.get(did),
    link: (lid) => links.get(lid),
    revoke,
  };
}

/** Terms by id: ids are small and used again, and what the hit path asks for lies packed. */
function createRows<T>() {
  const byId: (Authority<T> | undefined)[] = [];
  const free: number[] = [];
  let validFrom = new Uint32Array(64);
  return {
    take(): number {
      const id = free.pop() ?? byId.length;
      if (id < validFrom.length) return id;
      const larger = new Uint32Array(2 * validFrom.length);
      larger.set(validFrom);
      validFrom = larger;
      return id;
    },
    fill(authority: Authority<T>): void {
      byId[authority.id] = authority;
      validFrom[authority.id] = authority.validFrom;
    },
    putBack(id: number): void {
      byId[id] = undefined;
      free.push(id);
    },
    refuse(id: number): void {
      validFrom[id] = NEVER;
    },
    at: (id: number) => byId[id] as Authority<T>,
    validFrom: (id: number) => validFrom[id] as number,
  };
}

function linkOf<T>(links: Map<string, Link<T>>, lid: string): Link<T> {
  const known = links.get(lid);
  if (known !== undefined) return known;
  const link: Link<T> = { authorities: new Set(), sessions: 0, bytes: 0 };
  links.set(lid, link);
  return link;
}
