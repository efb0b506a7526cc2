/** The report that ends a request which did many things: its status, what was counted, and what failed; as text, JSON or XML. */

export type ReportFormat = 'text/plain' | 'application/json' | 'application/xml' | 'text/xml';

/** A name, percent-encoded, and the status line that it failed with. */
export type Failure = readonly [name: string, status: string];

const FORMATS: readonly ReportFormat[] = ['text/plain', 'application/json', 'application/xml', 'text/xml'];

/** The format that Accept likes best; undefined where it accepts none of them, or cannot be read. */
export function reportFormat(accept: string | undefined): ReportFormat | undefined {
  if (accept === undefined || accept.trim() === '') return 'text/plain';
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, quality: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  let best: { format: ReportFormat; quality: number } | undefined;
  for (const format of FORMATS) {
    const matching = ranges.filter(({ range }) => range === format || range === `${format.split('/')[0]!}/*` || range === '*/*');
    const quality = Math.max(0, ...matching.map((match) => match.quality));
    if (quality > 0 && (best === undefined || quality > best.quality)) best = { format, quality };
  }
  return best?.format;
}

/** The report's text. `root` is what was done, e.g. `delete`: XML's outermost element. */
export function reportText(format: ReportFormat, facts: Readonly<Record<string, string | number>>, failures: readonly Failure[], root: string): string {
  if (format === 'application/json') return JSON.stringify({ ...facts, Errors: failures });
  const names = Object.keys(facts).sort();
  if (format === 'text/plain') {
    return [...names.map((name) => `${name}: ${facts[name]!}\n`), 'Errors:\n', ...failures.map(([name, status]) => `${name}, ${status}\n`)].join('');
  }
  const elements = names.map((name) => {
    const element = name.replaceAll(' ', '_').toLowerCase();
    return `<${element}>${escapeText(String(facts[name]))}</${element}>\n`;
  });
  const objects = failures.map(([name, status]) => `<object><name>${escapeText(name)}</name><status>${escapeText(status)}</status></object>\n`);
  return [`<${root}>\n`, ...elements, '<errors>\n', ...objects, `</errors>\n</${root}>\n`].join('');
}

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);
}
