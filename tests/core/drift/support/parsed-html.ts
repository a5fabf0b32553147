import { parse, parseFragment, type DefaultTreeAdapterMap } from 'parse5';

type Node = DefaultTreeAdapterMap['node'];
export type Element = DefaultTreeAdapterMap['element'];

export interface ParsedHtml {
  /** Every element, in the order of the document. */
  readonly elements: readonly Element[];
  /** Mistakes in the markup, by the names that the HTML standard gives them. */
  readonly errors: readonly string[];
  /** The text of all comments. */
  readonly comments: readonly string[];
}

export function parsedPage(html: string): ParsedHtml {
  const errors: string[] = [];
  const document = parse(html, { onParseError: ({ code }) => errors.push(code) });
  return { ...collected(document), errors };
}

export function parsedFragment(html: string): ParsedHtml {
  const errors: string[] = [];
  const fragment = parseFragment(html, { onParseError: ({ code }) => errors.push(code) });
  return { ...collected(fragment), errors };
}

function collected(root: Node): Omit<ParsedHtml, 'errors'> {
  const elements: Element[] = [];
  const comments: string[] = [];
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ('tagName' in node) elements.push(node);
    if (node.nodeName === '#comment' && 'data' in node) comments.push(node.data);
    if ('content' in node) open.push(node.content);
    if ('childNodes' in node) open.push(...node.childNodes.toReversed());
  }
  return { elements, comments };
}

export function attributeOf(element: Element, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

export function textOf(node: Node): string {
  if (node.nodeName === '#text' && 'value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** The elements below another one with this name. */
export function within(element: Element, tagName: string): Element[] {
  return collected(element).elements.filter((each) => each !== element && each.tagName === tagName);
}

/** How often each element has each attribute: `td`, `th@scope` ... */
export function shapeOf({ elements }: ParsedHtml): Map<string, number> {
  const shape = new Map<string, number>();
  for (const { tagName, attrs } of elements) {
    for (const key of [tagName, ...attrs.map(({ name }) => `${tagName}@${name}`)]) {
      shape.set(key, (shape.get(key) ?? 0) + 1);
    }
  }
  return shape;
}
