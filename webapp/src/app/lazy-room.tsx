import { lazy } from 'react';

const load = () => import('./room-route');

/** The room with its media code: a chunk of its own, so that the first page stays small. */
export const LazyRoomRoute = lazy(async () => ({ default: (await load()).RoomRoute }));

/** Fetch it before it is needed: when somebody points at a room. */
export function prefetchRoom(): void {
  void load();
}
