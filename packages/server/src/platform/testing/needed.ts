/** Gives back why something cannot be tested on this machine, so that it is skipped and counted as skipped. In CI, which must
 *  have what `what` names, that is an error instead: a test that is skipped there would be missed by nobody.
 *  @throws {Error} it is missing under TALOS_CI=1 */
export function needed(
  what: string,
  missing: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (missing === undefined || env['TALOS_CI'] !== '1') return missing;
  throw new Error(`CI must have ${what}, but ${missing}`);
}
