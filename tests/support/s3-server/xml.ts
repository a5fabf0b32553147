import { S3Error } from './errors.ts';

/** An element with either text or elements in it. */
export interface XmlNode {
  readonly name: string;
  readonly children: readonly XmlNode[];
  readonly text: string;
}

export function element(name: string, ...content: readonly (XmlNode | string | undefined)[]): XmlNode {
  const children = content.filter((part): part is XmlNode => typeof part === 'object');
  return { name, children, text: content.filter((part) => typeof part === 'string').join('') };
}

/** The document in UTF-8. The root gets S3's name space, except for `Error`, which has none. */
export function renderXml(root: XmlNode): Buffer {
  const space = root.name === 'Error' ? '' : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  const body = root.children.map(render).join('') + escapeXml(root.text);
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<${root.name}${space}>${body}</${root.name}>`,
    'utf8',
  );
}

function render(node: XmlNode): string {
  return `<${node.name}>${node.children.map(render).join('')}${escapeXml(node.text)}</${node.name}>`;
}

function escapeXml(text: string): string {
  return text.replace(
    /[&<>"\u0000-\u001F\u007F\uFFFE\uFFFF]/g,
    (character) => `&#x${character.charCodeAt(0).toString(16)};`,
  );
}

/**
 * A document a client sent: elements, text, the five entities and character references. A document type, a processing
 * instruction other than the declaration, mixed content or a mismatched tag is `MalformedXML`.
 */
export function parseXml(document: Buffer, rootName: string): XmlNode {
  const text = document.toString('utf8').replace(/^\uFEFF?\s*<\?xml[^>]*\?>/, '');
  const tags = /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
  const open: { name: string; children: XmlNode[]; text: string }[] = [];
  let root: XmlNode | undefined;
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const between = text.slice(at, next === -1 ? text.length : next);
    const inside = open.at(-1);
    if (inside !== undefined) inside.text += unescapeXml(between);
    else if (between.trim() !== '') throw malformed();
    if (next === -1) break;
    tags.lastIndex = next;
    const tag = tags.exec(text);
    if (tag === null) throw malformed();
    at = tags.lastIndex;
    const [, closing, name = '', , empty] = tag;
    if (root !== undefined) throw malformed();
    if (closing === '') open.push({ name, children: [], text: '' });
    if (closing === '' && empty === '') continue;
    const node = open.pop();
    if (node === undefined || node.name !== name) throw malformed();
    if (node.children.length > 0 && node.text.trim() !== '') throw malformed();
    const parent = open.at(-1);
    if (parent === undefined) root = node;
    else parent.children.push(node);
  }
  if (root === undefined || root.name !== rootName) throw malformed();
  return root;
}

/** The text of the first child of that name. */
export function childText(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}

function unescapeXml(text: string): string {
  return text.replace(/&([^;&]*);?/g, (whole, name: string) => {
    const named = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }[name];
    if (named !== undefined && whole.endsWith(';')) return named;
    const [, hexadecimal, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name) ?? [];
    const code = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
    if (!whole.endsWith(';') || !(code <= 0x10ffff)) throw malformed();
    return String.fromCodePoint(code);
  });
}

function malformed(): S3Error {
  return new S3Error(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema.',
  );
}
