import { describe, expect, it } from 'vitest';
import type { PermissionTable } from '@/api/types';
import { differenceOf, holdersOf, shownRights } from './rights';

const ROWS = [
  { role: 'host', permissions: ['rooms.view', 'room.moderate', 'alerts.post', 'session.run'] },
  { role: 'moderator', permissions: ['rooms.view', 'room.moderate'] },
  { role: 'viewer', permissions: ['rooms.view'] },
] as PermissionTable['items'];

describe('rights', () => {
  it('are shown from the lowest role on, and only those somebody holds', () => {
    expect(shownRights(ROWS)).toEqual(['rooms.view', 'room.moderate', 'alerts.post', 'session.run']);
  });

  it('of a higher role are more, and none less', () => {
    expect(differenceOf(ROWS, 'moderator', 'host')).toEqual({ more: ['alerts.post', 'session.run'], less: [] });
  });

  it('of a lower role are less, and none more', () => {
    expect(differenceOf(ROWS, 'host', 'viewer')).toEqual({ more: [], less: ['room.moderate', 'alerts.post', 'session.run'] });
  });

  it('that everyone above holds too are told by the lowest role', () => {
    const rows = ROWS.toReversed();
    expect(['rooms.view', 'room.moderate', 'session.run'].map((right) => holdersOf(rows, right))).toEqual(['Everyone', 'Moderator and up', 'Host']);
  });

  it('with a gap are told by every name', () => {
    const rows = [{ role: 'viewer', permissions: ['chat.post'] }, { role: 'moderator', permissions: [] }, { role: 'host', permissions: ['chat.post'] }];
    expect(holdersOf(rows as unknown as PermissionTable['items'], 'chat.post')).toBe('Viewer, Host');
  });

  it('of a role the table does not know are none', () => {
    expect(differenceOf(ROWS, 'viewer', 'co_host')).toEqual({ more: [], less: ['rooms.view'] });
  });
});
