import { isRecord } from './problem';

/** Whose access token this is (`sub`, RFC 7519, 4.1.2), unverified: the server does that; null: nobody's, or no token to be read. */
export function subjectOf(token: string | null): string | null {
  const claims = token?.split('.')[1];
  if (claims === undefined) return null;
  try {
    const read: unknown = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')));
    return isRecord(read) && typeof read.sub === 'string' ? read.sub : null;
  } catch {
    return null;
  }
}
