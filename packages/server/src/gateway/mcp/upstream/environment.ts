/** Variables of ours that a tool server may see. Everything else, above all secrets, stays with us. */
const ALLOWED: readonly string[] = ['HOME', 'LANG', 'PATH', 'TMPDIR'];

/** The environment of a tool server: the allow-listed part of ours, and what the operator configured for it. */
export function serverEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of ALLOWED) {
    const value = ours[name];
    // Exported shell functions are code, not settings.
    if (value !== undefined && !value.startsWith('()')) environment[name] = value;
  }
  return { ...environment, ...configured };
}
