import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { call } from '@/api/client';
import { read } from '@/api/read';
import type { Room, RoomList } from '@/api/types';

const REFRESH_MS = 5_000;
const roomsKey = (organizationId: string) => ['organizations', organizationId, 'rooms'] as const;

/** The rooms of an organization, read again every few seconds: going live shows without a reload. */
export function useRooms(organizationId: string): UseQueryResult<RoomList> {
  return useQuery({
    queryKey: roomsKey(organizationId),
    queryFn: () => read('/organizations/{organization_id}/rooms', { organization_id: organizationId }),
    refetchInterval: REFRESH_MS,
  });
}

export function useCreateRoom(organizationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call<Room>('POST', `/organizations/${organizationId}/rooms`, { name }),
    onSuccess: () => client.invalidateQueries({ queryKey: roomsKey(organizationId) }),
  });
}
