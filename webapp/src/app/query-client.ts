import { QueryClient } from '@tanstack/react-query';
import { watchRefusals } from '@/api/client';
import { ApiProblem } from '@/api/problem';

/** Server rows. A refusal is an answer, so only what may pass by itself is asked again. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => failures < 3 && (!(error instanceof ApiProblem) || error.status === 0 || error.status >= 500),
    },
  },
});

/** Where it is kept by which connection an organization lets its people in, once it refused for that. */
export const requiredKey = (organizationId: string) => ['sso-required', organizationId] as const;

watchRefusals(({ code, facts }) => {
  if (code !== 'sso_required') return;
  const { organization_id: organizationId, connection_id: connectionId } = facts;
  if (typeof organizationId === 'string' && typeof connectionId === 'string') {
    queryClient.setQueryData(requiredKey(organizationId), connectionId);
  }
});
