/** Every page of a list; the platform bounds how many there are. */
export async function readAll<P extends { readonly next: string | null }, T>(
  read: (query: { cursor?: string; limit: number }) => Promise<P>,
  rows: (page: P) => readonly T[],
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await read({ limit: 500, ...(typeof cursor === 'string' ? { cursor } : {}) });
    all.push(...rows(page));
    cursor = page.next;
  } while (cursor !== null && all.length < MAX_ROWS);
  return all;
}

const MAX_ROWS = 20_000;
