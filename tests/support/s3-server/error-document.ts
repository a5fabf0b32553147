import { type XmlNode, element, renderXml } from './xml.ts';

/** The error document of S3. */
export function errorXml(error: {
  code: string;
  message: string;
  details?: Readonly<Record<string, string>>;
  resource: string;
  requestId: string;
}): Buffer {
  const children: XmlNode[] = [element('Code', error.code), element('Message', error.message)];
  for (const [name, value] of Object.entries(error.details ?? {})) children.push(element(name, value));
  children.push(element('Resource', error.resource), element('RequestId', error.requestId));
  children.push(element('HostId', `host-of-${error.requestId}`));
  return renderXml(element('Error', ...children));
}
