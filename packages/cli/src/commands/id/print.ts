import type { IdentityHistory } from '@talosprotocol/contracts';
import type { IdentityEntry } from '../../identities.js';
import type { Output } from '../../output.js';
import type { WebvhIdentity } from '../../webvh-identity.js';

export function printEntry(output: Output, { name, did, file, encrypted }: IdentityEntry): void {
  output.line(`${output.color.bold(name)}  ${did}`);
  output.line(`  key: ${file} (${encrypted ? 'encrypted' : 'mode 0600, not encrypted'})`);
}

export function printWebvh(
  output: Output,
  { name, did, version, deactivated, log, url, file }: WebvhIdentity,
): void {
  output.line(`${output.color.bold(name)}  ${did}`);
  output.line(`  version ${version}${deactivated ? ', deactivated' : ''}`);
  output.line(`  key: ${file}`);
  output.line(`  log: ${log}`);
  output.line(`  published at: ${url}`);
}

export function printHistory(output: Output, { changes }: IdentityHistory): void {
  for (const { at, type, version, successor, predecessor, by } of changes) {
    const details = [
      version === undefined ? '' : `version ${version}`,
      successor === undefined ? '' : `to ${successor}`,
      predecessor === undefined ? '' : `of ${predecessor}`,
      by === undefined ? '' : `by ${by}`,
    ];
    output.line(`  ${at}  ${[type, ...details.filter((detail) => detail !== '')].join(' ')}`);
  }
}
