import type { CountryCode } from 'libphonenumber-js';
import { createDenyDetector, type DenyList } from './deny.js';
import type { Detector, Finding } from './finding.js';
import { detectInjection } from './injection.js';
import { joined } from './joined.js';
import { detectPersonal, type PersonalType } from './personal.js';
import { createSchemaDetector } from './schema.js';
import { detectSecrets } from './secrets.js';

/** What is looked for, as data: it goes to the thread that looks. */
export type DetectorSpec =
  | { readonly kind: 'secrets' }
  | { readonly kind: 'personal'; readonly types: readonly PersonalType[]; readonly country: CountryCode }
  | { readonly kind: 'injection' }
  | ({ readonly kind: 'deny' } & DenyList)
  | { readonly kind: 'schema'; readonly schema: object };

/** @throws {Error} a pattern or a schema that is none */
export function createDetector(spec: DetectorSpec): Detector {
  switch (spec.kind) {
    case 'secrets':
      return joined(detectSecrets);
    case 'personal':
      return joined((text) => detectPersonal(text, spec.types, spec.country));
    case 'injection':
      return oneByOne(detectInjection);
    case 'deny':
      return oneByOne(createDenyDetector(spec));
    case 'schema':
      return oneByOne(createSchemaDetector(spec.schema));
  }
}

/** What has a beginning and an end of its own to look for: an operator's pattern may. */
function oneByOne(detect: (text: string) => readonly Finding[]): Detector {
  return async (texts) => texts.map(detect);
}
