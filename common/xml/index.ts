/** XML answers, written as text: small elements of known names, their content escaped. */

export const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const SPECIAL = /[&<>"\u0000-\u0008\u000b\u000c\r\u000e-\u001f\ufffe\uffff]/;

/** Text as content of an element. What XML 1.0 cannot say is written as a character reference, as AWS writes it. */
export function escapeText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(/[&<>"\u0000-\u0008\u000b\u000c\r\u000e-\u001f\ufffe\uffff]/g, (character) => {
    if (character === '&') return '&amp;';
    if (character === '<') return '&lt;';
    if (character === '>') return '&gt;';
    if (character === '"') return '&quot;';
    return `&#x${character.charCodeAt(0).toString(16)};`;
  });
}

/** `<name>text</name>`; nothing where there is no text. */
export function leaf(name: string, text: string | number | boolean | undefined): string {
  return text === undefined ? '' : `<${name}>${typeof text === 'string' ? escapeText(text) : text}</${name}>`;
}

/** An element around others that are written already. */
export function element(name: string, ...content: readonly string[]): string {
  return `<${name}>${content.join('')}</${name}>`;
}
