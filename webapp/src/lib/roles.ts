const NAMES: Record<string, string> = {
  owner: 'Owner',
  admin: 'Admin',
  host: 'Host',
  co_host: 'Co-Host',
  moderator: 'Moderator',
  viewer: 'Viewer',
};

/** A role as people read it. */
export function roleName(role: string): string {
  return NAMES[role] ?? role;
}

/** Two letters for a face: of the first and last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = words[0]?.[0] ?? '?';
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? '') : '';
  return (first + last).toUpperCase();
}
