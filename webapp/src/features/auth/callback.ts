/** What a link of a mail, or an identity provider, came back with. `code`: of PKCE, to be exchanged; `done`: confirmed, and nobody is signed in by it. */
export type Callback =
  | { kind: 'session'; accessToken: string; refreshToken: string }
  | { kind: 'code'; code: string }
  | { kind: 'done' }
  | { kind: 'failed'; code: string };

/**
 * Read the address a mail's link was sent on to.
 *
 * @param hash `#access_token=…&refresh_token=…` or `#error_code=…`.
 * @param search the same may stand in the query when it is an error; `?code=…` after single sign-on.
 */
export function parseCallback(hash: string, search: string): Callback {
  const fragment = new URLSearchParams(hash.replace(/^#/, ''));
  const query = new URLSearchParams(search);
  const code = fragment.get('error_code') ?? query.get('error_code') ?? fragment.get('error') ?? query.get('error');
  if (code !== null) return { kind: 'failed', code };
  const exchanged = query.get('code');
  if (exchanged !== null) return { kind: 'code', code: exchanged };
  const [accessToken, refreshToken] = [fragment.get('access_token'), fragment.get('refresh_token')];
  if (accessToken !== null && refreshToken !== null) return { kind: 'session', accessToken, refreshToken };
  return fragment.get('message') === null ? { kind: 'failed', code: 'missing' } : { kind: 'done' };
}
