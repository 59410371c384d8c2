import type { Finding } from './span.js';

/** The types of personal data that are labelled. */
export const PERSONAL_TYPES = ['email', 'phone', 'card', 'iban', 'ssn', 'ip'] as const;

/** What is evaluated: the gateway's detectors, or any others with their shape. */
export interface Detectors {
  detectSecrets(text: string): Promise<readonly Finding[]>;
  detectPersonal(text: string, types: readonly string[]): readonly Finding[];
  detectInjection(text: string): readonly Finding[];
}

/** Those of the server's package, in its inner folder: no package exports them. */
export async function loadDetectors(): Promise<Detectors> {
  const folder = new URL('../dist/gateway/guard/detect/', import.meta.resolve('@talosprotocol/server/main'));
  return (await import(new URL('index.js', folder).href)) as Detectors;
}
