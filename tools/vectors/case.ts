import type { Data, Members } from './bytes.js';

/** One vector: what goes in, and what must come out. */
export type Case = { readonly id: string; readonly spec: string; readonly note: string } & Members;

/** The cases of one noun. */
export interface Noun {
  readonly name: string;
  /** Says what the members of a case mean. */
  readonly comment: string;
  readonly valid: readonly Case[];
  readonly invalid: readonly Case[];
}

/** Collects cases; an id is `<noun>-<word>`. */
export function createNoun(name: string, comment: string) {
  const valid: Case[] = [];
  const invalid: Case[] = [];
  return {
    ok(id: string, spec: string, note: string, input: Members, expect: Data): void {
      valid.push({ id: `${name}/${id}`, spec, note, ...input, expect });
    },
    no(
      id: string,
      spec: string,
      note: string,
      input: Members,
      code: string,
      link?: number,
      more: Members = {},
    ): void {
      const expect = { code, ...(link === undefined ? {} : { link }), ...more };
      invalid.push({ id: `${name}/${id}`, spec, note, ...input, expect });
    },
    done(): Noun {
      return { name, comment, valid, invalid };
    },
  };
}
