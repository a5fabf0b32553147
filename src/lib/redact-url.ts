/** As long as account names are, and shorter than the tokens that people put in their place. */
const SCP_ACCOUNT = /^[A-Za-z0-9._-]{1,32}@$/;

/**
 * Removes user name, password, query and fragment from the URL of a remote, so that no secret is recorded. Understands
 * `scheme://`, git's `transport::address`, and the scp-like `user@host:path`, where the user is an account such as `git` and
 * stays, unless a password is with it; a local path stays as it is.
 * Written as a scan: a parser that throws on a malformed URL would leave the secret in it.
 */
export function redactUrl(url: string): string {
  const helper = /^[A-Za-z0-9][A-Za-z0-9+.-]*::/.exec(url)?.[0];
  if (helper !== undefined) return helper + redactUrl(url.slice(helper.length));
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(url)?.[0];
  if (scheme !== undefined) return scheme + redactRest(url.slice(scheme.length));
  if (isLocalPath(url)) return url;
  const at = url.lastIndexOf('@', endOfHost(url));
  const account = SCP_ACCOUNT.test(url.slice(0, at + 1)) && /^[^/:]+:/.test(url.slice(at + 1));
  return withoutQuery(account ? url : url.slice(at + 1));
}

/** True for what only this machine can find: a path, with git's rule for telling one from `host:path`, or a `file:` URL. */
export function isLocalRemote(url: string): boolean {
  const helper = /^[A-Za-z0-9][A-Za-z0-9+.-]*::/.exec(url)?.[0];
  if (helper !== undefined) return isLocalRemote(url.slice(helper.length));
  if (/^file:/i.test(url)) return true;
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url)) return false;
  return !/^(?:[^/:\\]{2,}|[^/:]*@\[[^\]]*\]|\[[^\]]*\]):/.test(url);
}

/** What follows `scheme://`. */
function redactRest(rest: string): string {
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const at = authority.lastIndexOf('@');
  if (at >= 0 && at < authority.length - 1) return withoutQuery(rest.slice(at + 1));
  // A password with an unescaped "/", "?" or "#" ends the authority early and leaves something that is no port behind.
  const plainHost = /^(?:\[[^\]]*\]|[^:]*)(?::[0-9]*)?$/.test(authority);
  if (!plainHost) return withoutQuery(rest.slice(rest.lastIndexOf('@') + 1));
  return withoutQuery(rest);
}

function isLocalPath(url: string): boolean {
  return !url.includes('@') || /^(?:[/.\\~]|[A-Za-z]:[\\/])/.test(url);
}

/** The offset at which the path of an scp-like address starts: user names and hosts hold no slash. */
function endOfHost(url: string): number {
  const slash = url.indexOf('/');
  return slash < 0 ? url.length : slash;
}

function withoutQuery(text: string): string {
  return text.replace(/[?#].*$/s, '');
}
