import { keepPreviousData, useQueries } from '@tanstack/react-query';
import { call } from '@/api/client';
import type { Room } from '@/api/types';
import { alertOf, chatOf, type Alert, type ChatMessage } from '@/realtime/feed';

/** Entries read per room, and rooms looked into: a glance, not an archive. */
const ENTRIES = 60;
const ROOMS = 4;

export interface RoomAlert extends Alert {
  roomId: string;
  roomName: string;
}

export interface Latest {
  /** Newest first, of all rooms looked into. */
  alerts: RoomAlert[];
  /** Room id -> its chat lines, newest last. */
  lines: Map<string, ChatMessage[]>;
  isPending: boolean;
}

/** What was last said and posted. Read again when a room's `lastSeq` moved; rooms in the order they are given. */
export function useLatest(organizationId: string, rooms: readonly Room[]): Latest {
  const spoken = rooms.filter(({ lastSeq }) => lastSeq > 0).slice(0, ROOMS);
  return useQueries({
    queries: spoken.map(({ id, lastSeq }) => ({
      queryKey: ['organizations', organizationId, 'rooms', id, 'latest', lastSeq],
      queryFn: () =>
        call('GET', '/organizations/{organization_id}/rooms/{room_id}/events', {
          params: { path: { organization_id: organizationId, room_id: id }, query: { after: Math.max(0, lastSeq - ENTRIES), limit: ENTRIES } },
        }),
      placeholderData: keepPreviousData,
      gcTime: 30_000,
    })),
    combine: (pages) => {
      const alerts: RoomAlert[] = [];
      const lines = new Map<string, ChatMessage[]>();
      pages.forEach(({ data }, index) => {
        const room = spoken[index];
        if (!data || !room) return;
        alerts.push(...data.items.map(alertOf).filter((alert) => alert !== null).map((alert) => ({ ...alert, roomId: room.id, roomName: room.name })));
        lines.set(room.id, data.items.map(chatOf).filter((line) => line !== null));
      });
      alerts.sort((one, other) => other.at.getTime() - one.at.getTime());
      return { alerts, lines, isPending: pages.some(({ isPending }) => isPending) };
    },
  });
}
