import type { LookupAddress, LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { RefusedError } from '../../errors.ts';
import { linkLocalAddress } from '../../lib/link-local.ts';
import { printable } from '../../lib/terminal-text.ts';

type LookupAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Looks names up as `lookup` does, and refuses those that lead to a link-local address: a name is as good as the number when it
 * comes to reaching the credentials that clouds hand out there. Checked on the very addresses that are connected to.
 */
export function guardedLookup(lookup: LookupAll): LookupFunction {
  return (hostname, { all, ...options }, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) callback(error, [], undefined);
      else if (addresses.some(({ address }) => linkLocalAddress(address) !== undefined)) {
        callback(refusedAddress(hostname), [], undefined);
      } else if (all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function refusedAddress(hostname: string): RefusedError {
  return new RefusedError(
    'REMOTE_ADDRESS_REFUSED',
    `${printable(hostname)} leads to a link-local address, which a shared configuration may not name`,
    { hint: 'if it is really meant, trust the remote in this clone: mlops remote trust <name>' },
  );
}
