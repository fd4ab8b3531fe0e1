import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { call } from '@/api/client';
import type { JoinAnswer, Room } from '@/api/types';

const DOOR_REFRESH_MS = 3_000;

function at(organizationId: string, roomId: string) {
  return { params: { path: { organization_id: organizationId, room_id: roomId } } };
}

/** The room as it stands; at the door it is read again, so that the page notices the session's start. */
export function useDoor(organizationId: string, roomId: string, isAtDoor: boolean): UseQueryResult<Room> {
  return useQuery({
    queryKey: ['organizations', organizationId, 'rooms', roomId],
    queryFn: () => call('GET', '/organizations/{organization_id}/rooms/{room_id}', at(organizationId, roomId)),
    refetchInterval: isAtDoor ? DOOR_REFRESH_MS : false,
    enabled: isAtDoor,
  });
}

export function joinRoom(organizationId: string, roomId: string): Promise<JoinAnswer> {
  return call('POST', '/organizations/{organization_id}/rooms/{room_id}/join', at(organizationId, roomId));
}

export function startRoom(organizationId: string, roomId: string): Promise<unknown> {
  return call('POST', '/organizations/{organization_id}/rooms/{room_id}/start', at(organizationId, roomId));
}

export function useEndRoom(organizationId: string, roomId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call('POST', '/organizations/{organization_id}/rooms/{room_id}/end', at(organizationId, roomId)),
    onSuccess: () => client.invalidateQueries({ queryKey: ['organizations', organizationId] }),
  });
}
