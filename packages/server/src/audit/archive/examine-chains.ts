import type { CryptoProvider, LogFault } from '@talosprotocol/protocol';
import type { Sql, SqlValue } from '../../platform/sql.js';
import { DraftError } from '../draft-error.js';
import { type ChainLinks, readLinks } from '../links.js';

/** Compares by what the database finds chains with the chains: a capability is asked for by its hash, or by one of its links,
 *  and booked on whom its chain is for. */
export interface ChainExaminer {
  /** Takes the chain that stands at an index. */
  add(index: number, chain: ShownChain): void;
  /** Compares those that were added since the last time. */
  compare(): Promise<void>;
}

export interface ChainExamination {
  readonly sql: Sql;
  readonly crypto: CryptoProvider;
  readonly onFault: (fault: LogFault) => void;
}

interface ShownChain {
  readonly cth: string;
  readonly chain: string;
}

const CHAINS = `SELECT w.idx FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS w(idx, cth, sub, prn)
  LEFT JOIN audit_chain c ON c.idx = w.idx
  WHERE c.cth IS DISTINCT FROM w.cth OR c.sub IS DISTINCT FROM w.sub OR c.prn IS DISTINCT FROM w.prn ORDER BY w.idx`;

const LINKS = `SELECT DISTINCT w.chain AS idx FROM unnest($1::text[], $2::bigint[]) AS w(lid, chain)
  LEFT JOIN audit_link l USING (lid, chain) WHERE l.lid IS NULL ORDER BY idx`;

export function createChainExaminer({ sql, crypto, onFault }: ChainExamination): ChainExaminer {
  let added: (Omit<ChainLinks, 'exp'> & { readonly index: number; readonly cth: string })[] = [];
  const tell = async (
    text: string,
    values: readonly SqlValue[],
    where: string,
    by: string,
  ): Promise<void> => {
    const wrong = await sql.query<{ idx: number }>(text, values);
    for (const { idx } of wrong) onFault({ where, index: idx, what: `does not find the chain by ${by}` });
  };
  return {
    add: (index, shown) => {
      const links = linksOf(shown, crypto);
      if (links !== undefined) added.push({ ...links, index, cth: shown.cth });
    },
    compare: async () => {
      const chains = added;
      if (chains.length === 0) return;
      added = [];
      const indexes = chains.map(({ index }) => index);
      const cths = chains.map(({ cth }) => cth);
      const subs = chains.map(({ holder }) => holder.sub);
      const prns = chains.map(({ holder }) => holder.prn ?? null);
      await tell(CHAINS, [indexes, cths, subs, prns], 'table audit_chain', 'what it is');
      const links = chains.flatMap(({ index, lids }) => lids.map((lid) => ({ lid, index })));
      const pairs = [links.map(({ lid }) => lid), links.map(({ index }) => index)];
      await tell(LINKS, pairs, 'table audit_link', 'each of its links');
    },
  };
}

/** Undefined of what is no chain, which whoever follows the events has named. */
function linksOf(shown: ShownChain, crypto: CryptoProvider): ChainLinks | undefined {
  try {
    return readLinks(shown, crypto);
  } catch (error) {
    if (!(error instanceof DraftError)) throw error;
    return undefined;
  }
}
