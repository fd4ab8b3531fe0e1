import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { call } from '@/api/client';
import { read } from '@/api/read';
import type { JoinAnswer, Room } from '@/api/types';

const DOOR_REFRESH_MS = 3_000;

function roomPath(organizationId: string, roomId: string): string {
  return `/organizations/${organizationId}/rooms/${roomId}`;
}

/** The room as it stands; at the door it is read again, so that the page notices the session's start. */
export function useDoor(organizationId: string, roomId: string, isAtDoor: boolean): UseQueryResult<Room> {
  return useQuery({
    queryKey: ['organizations', organizationId, 'rooms', roomId],
    queryFn: () => read('/organizations/{organization_id}/rooms/{room_id}', { organization_id: organizationId, room_id: roomId }),
    refetchInterval: isAtDoor ? DOOR_REFRESH_MS : false,
    enabled: isAtDoor,
  });
}

export function joinRoom(organizationId: string, roomId: string): Promise<JoinAnswer> {
  return call<JoinAnswer>('POST', `${roomPath(organizationId, roomId)}/join`);
}

export function startRoom(organizationId: string, roomId: string): Promise<unknown> {
  return call<unknown>('POST', `${roomPath(organizationId, roomId)}/start`);
}

export function useEndRoom(organizationId: string, roomId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call<unknown>('POST', `${roomPath(organizationId, roomId)}/end`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['organizations', organizationId] }),
  });
}
