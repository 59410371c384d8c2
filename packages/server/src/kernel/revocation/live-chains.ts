import type { ParsedLink } from '@talosprotocol/protocol';

type Links = readonly ParsedLink[];

/** The chains that somebody in this process still holds: of sessions, keys and calls. */
export interface LiveChains {
  /** Remembers a chain as long as it is used elsewhere. */
  add(links: Links): void;
  /** The `lid` of every link of theirs for which `test` holds; `each` is told of the chains that have one. */
  find(test: (index: number, links: Links) => boolean, each?: (links: Links) => void): ReadonlySet<string>;
}

/** Held weakly: who ends a session need not say so here. */
export function createLiveChains(): LiveChains {
  const refs = new Set<WeakRef<Links>>();
  const known = new WeakSet<Links>();
  const registry = new FinalizationRegistry<WeakRef<Links>>((ref) => void refs.delete(ref));
  return {
    add: (links) => {
      if (known.has(links)) return;
      const ref = new WeakRef(links);
      known.add(links);
      refs.add(ref);
      registry.register(links, ref);
    },
    find: (test, each) => {
      const found = new Set<string>();
      for (const ref of refs) {
        const links = ref.deref() ?? [];
        const hits = links.filter((_, index) => test(index, links));
        for (const { lid } of hits) found.add(lid);
        if (hits.length > 0) each?.(links);
      }
      return found;
    },
  };
}
