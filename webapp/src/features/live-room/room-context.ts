import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { RoomSession } from '@/realtime/room-session';
import type { RoomState } from '@/realtime/room-store';

const RoomSessionContext = createContext<RoomSession | null>(null);
export const RoomSessionProvider = RoomSessionContext.Provider;

/** The open room. @throws outside of one. */
export function useRoomSession(): RoomSession {
  const session = useContext(RoomSessionContext);
  if (!session) throw new Error('useRoomSession needs a RoomSessionProvider above it.');
  return session;
}

/** A part of the live room's state; pick something that keeps its identity while it does not change. */
export function useRoom<T>(pick: (state: RoomState) => T): T {
  return useStore(useRoomSession().store, pick);
}
