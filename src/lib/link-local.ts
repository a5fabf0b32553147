import { BlockList, isIP } from 'node:net';

/** Addresses that reach no further than the next router, among them those at which clouds serve credentials. */
function linkLocal(): BlockList {
  const list = new BlockList();
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  // The same range behind translators between IPv4 and IPv6 (RFC 6052); mapped addresses are matched by BlockList itself.
  list.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
  list.addSubnet('::a9fe:0', 112, 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  list.addAddress('fd00:ec2::254', 'ipv6');
  return list;
}

/**
 * The address itself when it is a link-local or metadata address, else undefined; also for anything that is no address.
 * @param host an IP address, or the `hostname` of a URL, which has brackets around IPv6
 */
export function linkLocalAddress(host: string): string | undefined {
  const address = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(address);
  if (version === 0) return undefined;
  return linkLocal().check(address, version === 4 ? 'ipv4' : 'ipv6') ? address : undefined;
}
