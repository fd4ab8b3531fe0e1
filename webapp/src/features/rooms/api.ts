import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { call } from '@/api/client';
import type { RoomList } from '@/api/types';

const REFRESH_MS = 5_000;
const roomsKey = (organizationId: string) => ['organizations', organizationId, 'rooms'] as const;

const at = (organizationId: string) => ({ params: { path: { organization_id: organizationId } } });

/** The rooms of an organization, read again every few seconds: going live shows without a reload. */
export function useRooms(organizationId: string): UseQueryResult<RoomList> {
  return useQuery({
    queryKey: roomsKey(organizationId),
    queryFn: () => call('GET', '/organizations/{organization_id}/rooms', at(organizationId)),
    refetchInterval: REFRESH_MS,
  });
}

export function useCreateRoom(organizationId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => call('POST', '/organizations/{organization_id}/rooms', { ...at(organizationId), body: { name } }),
    onSuccess: () => client.invalidateQueries({ queryKey: roomsKey(organizationId) }),
  });
}
