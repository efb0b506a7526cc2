/** What /info says of the features that an operator can turn on and off: a section of each that is on. */
import type { Info } from './info.ts';
import type { SwiftSettings } from './settings.ts';

export function optionalSections(settings: SwiftSettings): Info {
  const sections: [on: boolean, name: string, section: object][] = [
    [settings.etagQuoting.enabled, 'etag_quoter', { enable_by_default: settings.etagQuoting.byDefault }],
    [settings.crossdomain.enabled, 'crossdomain', {}],
  ];
  return Object.fromEntries(sections.flatMap(([on, name, section]) => (on ? [[name, section]] : [])));
}
