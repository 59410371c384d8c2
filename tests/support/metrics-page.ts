/** A metric as the page shows it. */
export interface ShownMetric {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** What stands between people's own words and the table. */
export const MARK =
  '<!-- what the platform counts; TALOS_WRITE_DOCS=1 npx vitest run tests/e2e/metrics.test.ts writes it again -->\n';

/** The table of docs/metrics.md. */
export function metricsTable(metrics: readonly ShownMetric[]): string {
  const rows = [...metrics]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, kind, help, labels }) => {
      const cells = [`\`${name}\``, kind, labels.map((label) => `\`${label}\``).join(' '), help];
      return `| ${cells.join(' | ')} |`;
    });
  return ['| metric | kind | labels | what it says |', '|---|---|---|---|', ...rows, ''].join('\n');
}

/** Every name of a metric in a text, without what Prometheus appends to histograms. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:talos|gen_ai|mcp)_[a-z0-9_]+/g)].map(([name]) =>
    name.replace(/_(?:bucket|count|sum)$/, ''),
  );
}
