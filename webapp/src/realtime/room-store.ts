import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ParticipantView, QualityView, RoomGrant, Welcome } from '@/api/generated/signaling';
import type { CaptureProblem } from './capture';
import { EMPTY_FEED, type Feed } from './feed';
import type { Source } from './publishing';
import type { RemoteTrack } from './remote-track';
import type { EndReason } from './signaling-client';

/** What a source of ours does. `starting`: asking for the device or publishing. */
export type LocalStatus = 'off' | 'starting' | 'on' | 'muted';

export interface LocalMedia {
  status: LocalStatus;
  track: MediaStreamTrack | null;
  problem: CaptureProblem | 'refused' | null;
}

/** A chat line or alert that was sent and is not in the feed yet. */
export interface Outgoing {
  id: string;
  kind: 'chat' | 'alert';
  text: string;
  hasFailed: boolean;
}

export interface RoomFacts {
  roomId: string;
  roomName: string;
  organizationId: string;
  liveSessionId: string;
  participantId: string;
  role: Welcome['role'];
  grant: RoomGrant;
  epoch: number;
  startedAt: Date;
}

/** Round trip and loss of the receive path; null while unmeasured. */
export interface Quality {
  rttMs: number | null;
  lossPercent: number | null;
}

/** The live room, as this browser knows it. */
export interface RoomState {
  phase: 'joining' | 'live' | 'reconnecting' | 'ended';
  end: EndReason | null;
  /** When the socket was lost (ms since 1970); null while it stands. */
  lostAt: number | null;
  /** How long the last interruption took, until it is dismissed. */
  backAfterMs: number | null;
  facts: RoomFacts | null;
  /** Server's clock minus ours. */
  clockOffsetMs: number;
  participants: readonly ParticipantView[];
  refusedProducerIds: readonly string[];
  feed: Feed;
  outgoing: readonly Outgoing[];
  tracks: readonly RemoteTrack[];
  local: Readonly<Record<Source, LocalMedia>>;
  /** Our own, as this browser measures it. */
  quality: Quality;
  /** By participant, as the server tells it; who is not named is good. */
  qualities: Readonly<Record<string, QualityView>>;
}

export type RoomStore = StoreApi<RoomState>;

const OFF: LocalMedia = { status: 'off', track: null, problem: null };

export const FIRST_STATE: RoomState = {
  phase: 'joining',
  end: null,
  lostAt: null,
  backAfterMs: null,
  facts: null,
  clockOffsetMs: 0,
  participants: [],
  refusedProducerIds: [],
  feed: EMPTY_FEED,
  outgoing: [],
  tracks: [],
  local: { microphone: OFF, camera: OFF, screen: OFF },
  quality: { rttMs: null, lossPercent: null },
  qualities: {},
};

/** One store per room that is open. */
export function createRoomStore(): RoomStore {
  return createStore<RoomState>(() => FIRST_STATE);
}

/** What everyone else publishes, as it is known now. */
export function othersProducerIds({ participants, facts }: RoomState): string[] {
  return participants
    .filter(({ id }) => id !== facts?.participantId)
    .flatMap(({ producers }) => producers ?? [])
    .map(({ id }) => id);
}
