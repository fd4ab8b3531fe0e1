import { notifyManager, QueryClient } from '@tanstack/react-query';
import { watchRefusals } from '@/api/client';
import { ApiProblem } from '@/api/problem';
import { meKey } from '@/features/organizations/api';

// What is told waits for no timer: a button is off before the second click of a double click comes.
notifyManager.setScheduler(queueMicrotask);

/**
 * Server rows. A refusal is an answer, so only what may pass by itself is asked again. Without a network things fail and
 * say so: TanStack's own way is to wait in silence and do them later, when one has long gone on to something else.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 3 && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 500),
      networkMode: 'always',
      refetchOnReconnect: true,
    },
    mutations: { networkMode: 'always' },
  },
});

/** Where it is kept by which connection an organization lets its people in, once it refused for that. */
export const requiredKey = (organizationId: string) => ['sso-required', organizationId] as const;

/** What was there a moment ago and is refused now may mean that one is a member no more. */
const MAYBE_REMOVED = new Set([403, 404]);

watchRefusals(({ code, facts, status }) => {
  if (MAYBE_REMOVED.has(status) && queryClient.getQueryState(meKey)?.fetchStatus === 'idle') {
    void queryClient.invalidateQueries({ queryKey: meKey, exact: true });
  }
  if (code !== 'sso_required') return;
  const { organization_id: organizationId, connection_id: connectionId } = facts;
  if (typeof organizationId === 'string' && typeof connectionId === 'string') {
    queryClient.setQueryData(requiredKey(organizationId), connectionId);
  }
});
