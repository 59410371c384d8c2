/** The name, or the first of `name-2`, `name-3` and so on that is free; of `name-2` those that come after it. */
export function freeName(wanted: string, isFree: (name: string) => boolean): string {
  const [, base = wanted, from = '1'] = /^(.+)-([0-9]{1,6})$/.exec(wanted) ?? [];
  for (let number = Number(from); ; number += 1) {
    const name = number === Number(from) ? wanted : `${base}-${number}`;
    if (isFree(name)) return name;
  }
}
