import { QueryClient } from '@tanstack/react-query';
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
