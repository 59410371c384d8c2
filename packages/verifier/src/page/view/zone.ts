import { printable } from '@talosprotocol/protocol';
import type { GivenFile } from '../result.js';
import { element } from './element.js';

/** A place for one file. */
export interface Zone {
  readonly root: HTMLElement;
  /** Shows what lies there now. */
  show(file: GivenFile | undefined): void;
}

interface ZoneText {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  readonly optional?: boolean;
}

/** Makes a place where a file is chosen or dropped; `give` is told of each. */
export function makeZone(
  { id, title, hint, optional = false }: ZoneText,
  give: (files: readonly File[]) => void,
): Zone {
  const input = element('input', { type: 'file', id, class: 'hidden', 'aria-describedby': `${id}-hint` });
  const name = element('p', { class: 'file' }, 'none yet');
  const root = element(
    'section',
    { class: optional ? 'zone optional' : 'zone' },
    element('h2', {}, title),
    element('p', { id: `${id}-hint`, class: 'hint' }, hint),
    element('label', { class: 'button', for: id }, 'Choose a file'),
    input,
    name,
  );
  input.onchange = () => {
    give([...(input.files ?? [])]);
    // So that the same file can be chosen again.
    input.value = '';
  };
  markDrops(root, give);
  return {
    root,
    show: (file) => {
      root.classList.toggle('full', file !== undefined);
      name.textContent =
        file === undefined ? 'none yet' : `${printable(file.name, 120)} (${sizeOf(file.bytes.length)})`;
    },
  };
}

/** Lets files be dropped on an element, which is marked while one is over it. */
export function markDrops(root: HTMLElement, give: (files: readonly File[]) => void): void {
  root.ondragover = (event) => {
    event.preventDefault();
    root.classList.add('over');
  };
  root.ondragleave = () => root.classList.remove('over');
  root.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation();
    root.classList.remove('over');
    give([...(event.dataTransfer?.files ?? [])]);
  };
}

function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  const kib = bytes / 1_024;
  return kib < 1_024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1_024).toFixed(1)} MiB`;
}
