import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { MlflowError } from '../core/mlflow/index.ts';

export interface AccessRules {
  /** What requests have to bring; undefined: nothing, for a server that only this machine reaches. */
  readonly token: string | undefined;
  /** Names, besides those of this machine, under which the server may be addressed. */
  readonly hosts: readonly string[];
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.has(host) || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * A page in a browser can send requests to this machine too: such a page has a name of its own in `Origin`, or in `Host` when its name was
 * made to point here.
 *
 * @throws MlflowError `PERMISSION_DENIED`, `UNAUTHENTICATED`
 */
export function assertAccess(headers: IncomingHttpHeaders, rules: AccessRules): void {
  if (!isAllowedName(hostOf(headers.host), rules))
    throw new MlflowError('PERMISSION_DENIED', 'the Host header names another server');
  const { origin } = headers;
  if (origin !== undefined && !isAllowedName(nameOfOrigin(origin), rules))
    throw new MlflowError('PERMISSION_DENIED', 'requests of pages of other servers are refused');
  if (headers['sec-fetch-site'] === 'cross-site')
    throw new MlflowError('PERMISSION_DENIED', 'requests of pages of other servers are refused');
  if (rules.token !== undefined && !isToken(headers.authorization, rules.token))
    throw new MlflowError('UNAUTHENTICATED', 'a token is needed: set MLFLOW_TRACKING_TOKEN');
}

function isAllowedName(name: string | undefined, { hosts, token }: AccessRules): boolean {
  if (name === undefined) return false;
  // Nobody can make an address point elsewhere, and behind a token it need not be known beforehand.
  return isLoopback(name) || hosts.includes(name) || (token !== undefined && isIP(name) !== 0);
}

function hostOf(header: string | undefined): string | undefined {
  if (header === undefined || !/^[\w.:[\]-]{1,255}$/.test(header)) return undefined;
  return nameOfOrigin(`http://${header}`);
}

function nameOfOrigin(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined;
  return new URL(origin).hostname.replaceAll(/^\[|\]$/g, '');
}

function isToken(authorization: string | undefined, token: string): boolean {
  const given = sentToken(authorization);
  if (given === undefined) return false;
  // Hashes have the same length, so the comparison says nothing of that of the token.
  return timingSafeEqual(digest(given), digest(token));
}

/** The bearer's token, or the password of clients that know a name and a password only. */
function sentToken(authorization: string | undefined): string | undefined {
  const bearer = /^Bearer (\S+)$/i.exec(authorization ?? '');
  if (bearer?.[1] !== undefined) return bearer[1];
  const basic = /^Basic (\S+)$/i.exec(authorization ?? '');
  if (basic?.[1] === undefined) return undefined;
  const text = Buffer.from(basic[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : text.slice(colon + 1);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
