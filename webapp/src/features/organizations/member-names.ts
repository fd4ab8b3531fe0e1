import { useQuery } from '@tanstack/react-query';
import { call } from '@/api/client';
import type { MemberList } from '@/api/types';

const PAGE = 200;
/** Beyond this many pages names stay unknown: the log is to be read, not the whole world. */
const MAX_PAGES = 10;

export interface MemberNames {
  /** By user id. */
  names: Map<string, string>;
  /** Everyone is in it. */
  isWhole: boolean;
}

/** What the members are called. */
export function useMemberNames(organizationId: string) {
  return useQuery({
    queryKey: ['organizations', organizationId, 'member-names'],
    queryFn: () => readNames(organizationId),
    staleTime: 60_000,
  });
}

async function readNames(organizationId: string): Promise<MemberNames> {
  const names = new Map<string, string>();
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor }: MemberList = await call('GET', '/organizations/{organization_id}/members', {
      params: { path: { organization_id: organizationId }, query: { limit: PAGE, cursor } },
    });
    for (const { userId, displayName } of items) names.set(userId, displayName);
    cursor = nextCursor ?? null;
    if (cursor === null) return { names, isWhole: true };
  }
  return { names, isWhole: false };
}
