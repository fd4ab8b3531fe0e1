import type { PermissionTable, Role } from '@/api/types';
import { roleName } from '@/lib/roles';

type Rows = PermissionTable['items'];

/** Rights in words, in the order they are shown: the lowest role's first. */
export const RIGHT_WORDS: Record<string, string> = {
  'rooms.view': 'See rooms',
  'session.join': 'Join live sessions',
  'chat.post': 'Write in chat',
  'room.moderate': 'Remove people and messages from a room',
  'media.publish': 'Show screen, camera and voice',
  'alerts.post': 'Post alerts',
  'session.run': 'Start and end sessions',
  'rooms.manage': 'Make, change and archive rooms',
  'members.manage': 'Invite, change and remove members',
  'organization.manage': 'Settings, API tokens, webhooks',
  'audit.read': 'Read the audit log',
  'billing.manage': 'Plan and payment',
  'organization.own': 'Hand over or delete the organization',
};

/** Whether a row of the table holds a right. */
export function holds(permissions: readonly string[], right: string): boolean {
  return permissions.includes(right);
}

/**
 * Who holds a right, in a few words: "Co-Host and up" where everyone above does too, else the names.
 *
 * @param rows - lowest role first.
 */
export function holdersOf(rows: Rows, right: string): string {
  const from = rows.findIndex(({ permissions }) => holds(permissions, right));
  const isLadder = from >= 0 && rows.slice(from).every(({ permissions }) => holds(permissions, right));
  const names = rows.filter(({ permissions }) => holds(permissions, right)).map(({ role }) => roleName(role));
  const [lowest = ''] = names;
  if (from === 0 && isLadder) return 'Everyone';
  return isLadder && names.length > 1 ? `${lowest} and up` : names.join(', ');
}

/** Rights that some role of the table holds, in the order they are shown. */
export function shownRights(rows: Rows): string[] {
  return Object.keys(RIGHT_WORDS).filter((right) => rows.some(({ permissions }) => holds(permissions, right)));
}

/** What a role may do more and less than another, by the server's table; right names, in the order they are shown. */
export function differenceOf(rows: Rows, from: Role, to: Role): { more: string[]; less: string[] } {
  const of = (role: Role): readonly string[] => rows.find((row) => row.role === role)?.permissions ?? [];
  const rights = shownRights(rows);
  return {
    more: rights.filter((right) => holds(of(to), right) && !holds(of(from), right)),
    less: rights.filter((right) => holds(of(from), right) && !holds(of(to), right)),
  };
}
