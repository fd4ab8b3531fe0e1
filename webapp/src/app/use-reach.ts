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
  useEffect(() => watchReach(client, setAnswered), [client]);
  return isOnline && isAnswered;
}

/** Be told, by each answer of a query, whether the server is there; answers how to stop. */
export function watchReach(client: QueryClient, onReach: (isAnswered: boolean) => void): () => void {
  return client.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated') return;
    const { action } = event;
    if (action.type === 'success') onReach(true);
    if (action.type !== 'failed' && action.type !== 'error') return;
    const error: unknown = action.error;
    if (!(error instanceof ApiProblem)) return;
    // A refusal is an answer, and is not asked for again: it fails at once.
    if (!AWAY.has(error.status)) onReach(true);
    // Once is nothing: a restart behind a proxy loses one request.
    else if (action.type === 'failed' && action.failureCount > 1) onReach(false);
  });
}
