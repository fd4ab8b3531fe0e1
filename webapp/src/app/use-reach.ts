import { onlineManager, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiProblem } from '@/api/problem';

/** Answers that come from in front of the server, or from one that is going down. */
const AWAY = new Set([0, 502, 503, 504]);

/** Whether the server is to be reached, by what the page's own questions met last. */
export function useReach(client: QueryClient): boolean {
  const [isOnline, setOnline] = useState(() => onlineManager.isOnline());
  const [isAnswered, setAnswered] = useState(true);
  useEffect(() => onlineManager.subscribe(setOnline), []);
  useEffect(
    () =>
      client.getQueryCache().subscribe((event) => {
        if (event.type !== 'updated') return;
        if (event.action.type === 'success') setAnswered(true);
        // Once is nothing: a restart behind a proxy loses one request.
        else if (event.action.type === 'failed' && event.action.failureCount > 1) setAnswered(!isAway(event.action.error));
      }),
    [client],
  );
  return isOnline && isAnswered;
}

function isAway(error: unknown): boolean {
  return error instanceof ApiProblem && AWAY.has(error.status);
}
