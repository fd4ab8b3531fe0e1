import type { FeedEvent, Notification, ParticipantView, ProducerView, QualityView, Welcome } from '@/api/generated/signaling';
import { appendToFeed, startFeed } from './feed';
import type { RoomState } from './room-store';

/** A welcome as an event: it draws the whole room. `now` is ours, ms since 1970. */
export function applyWelcome(state: RoomState, welcome: Welcome, now: number): RoomState {
  const isSameRoom = state.facts?.roomId === welcome.roomId && state.feed.lastSeq > 0;
  const feed = isSameRoom
    ? appendToFeed(state.feed, welcome.feed, welcome.lastSeq)
    : startFeed(welcome.feed, welcome.lastSeq);
  const { roomId, roomName, organizationId, liveSessionId, participantId, role, grant, epoch } = welcome;
  return settle({
    ...state,
    phase: 'live',
    lostAt: null,
    backAfterMs: state.lostAt === null ? state.backAfterMs : now - state.lostAt,
    facts: {
      ...{ roomId, roomName, organizationId, liveSessionId, participantId, role, grant, epoch },
      startedAt: new Date(welcome.startedAt),
    },
    clockOffsetMs: Date.parse(welcome.serverTime) - now,
    participants: welcome.participants,
    refusedProducerIds: welcome.refusedProducerIds ?? [],
    // Told anew after the welcome: who was never named since is good.
    qualities: {},
    feed,
  });
}

/** Feed entries that were asked for. */
export function applyFeedPage(state: RoomState, events: readonly FeedEvent[], lastSeq: number): RoomState {
  return settle({ ...state, feed: appendToFeed(state.feed, events, lastSeq) });
}

/** What arrived, applied: the same path for our own doings and others'. Returns the same state when nothing changes. */
export function applyEvent(state: RoomState, event: Notification): RoomState {
  switch (event.method) {
    case 'ping':
      return withFeed(state, [], event.lastSeq);
    case 'feed.appended':
      return withFeed(state, [event.event], 0);
    case 'participant.joined':
      return { ...state, participants: putParticipant(state.participants, event.participant) };
    case 'participant.connectionChanged':
      return changeParticipant(state, event.participantId, (one) => ({ ...one, isConnected: event.isConnected }));
    case 'participant.left':
      return {
        ...state,
        participants: state.participants.filter(({ id }) => id !== event.participantId),
        qualities: without(state.qualities, event.participantId),
      };
    case 'participant.roleChanged':
      return changeRole(state, event.participantId, event.role, event.grant);
    case 'producer.opened':
      return changeProducers(state, event.participantId, (producers) => [
        ...producers.filter(({ id }) => id !== event.producer.id),
        event.producer,
      ]);
    case 'producer.pausedChanged':
      return changeProducers(state, event.participantId, (producers) =>
        producers.map((one) => (one.id === event.producerId ? { ...one, paused: event.paused } : one)),
      );
    case 'producer.closed':
      return changeProducers(state, event.participantId, (producers) =>
        producers.filter(({ id }) => id !== event.producerId),
      );
    case 'media.reset':
      return resetMedia(state, event.epoch, event.producers ?? []);
    case 'media.moving':
      return { ...state, facts: state.facts && { ...state.facts, epoch: event.epoch } };
    case 'resync':
      return withFeed({ ...state, participants: event.participants }, [], event.lastSeq);
    case 'participant.quality':
      return { ...state, qualities: { ...state.qualities, ...byParticipant(event.participants) } };
    case 'producer.layersWanted':
    case 'consumer.offered':
    case 'consumer.closed':
    case 'consumer.layersChanged':
    case 'media.moving':
    case 'transport.closed':
    case 'session.ended':
      return state;
  }
}

/** Somebody's role changed; our own changes what this browser may do from now on. */
function changeRole(state: RoomState, id: string, role: Welcome['role'], grant: Welcome['grant']): RoomState {
  const next = changeParticipant(state, id, (one) => ({ ...one, role }));
  if (state.facts?.participantId !== id) return next;
  return { ...next, facts: { ...state.facts, role, grant } };
}

/** The media was rebuilt: only producers that are named still live; the others are published anew by their people. */
function resetMedia(state: RoomState, epoch: number, alive: readonly ProducerView[]): RoomState {
  const ids = new Set(alive.map(({ id }) => id));
  return {
    ...state,
    facts: state.facts && { ...state.facts, epoch },
    refusedProducerIds: [],
    participants: state.participants.map((one) => ({
      ...one,
      producers: (one.producers ?? []).filter(({ id }) => ids.has(id)),
    })),
  };
}

function byParticipant(views: readonly QualityView[]): Record<string, QualityView> {
  return Object.fromEntries(views.map((view) => [view.participantId, view]));
}

function without<T>(all: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  return id in all ? Object.fromEntries(Object.entries(all).filter(([key]) => key !== id)) : all;
}

function withFeed(state: RoomState, entries: readonly FeedEvent[], knownSeq: number): RoomState {
  const feed = appendToFeed(state.feed, entries, knownSeq);
  return feed === state.feed ? state : settle({ ...state, feed });
}

/** What was sent and now stands in the feed is no longer on its way. */
function settle(state: RoomState): RoomState {
  if (state.outgoing.length === 0) return state;
  const arrived = new Set(state.feed.events.map(({ subjectId }) => subjectId));
  const outgoing = state.outgoing.filter(({ id }) => !arrived.has(id));
  return outgoing.length === state.outgoing.length ? state : { ...state, outgoing };
}

function putParticipant(all: readonly ParticipantView[], one: ParticipantView): ParticipantView[] {
  const isKnown = all.some(({ id }) => id === one.id);
  return isKnown ? all.map((other) => (other.id === one.id ? one : other)) : [...all, one];
}

function changeParticipant(state: RoomState, id: string, change: (one: ParticipantView) => ParticipantView): RoomState {
  if (!state.participants.some((one) => one.id === id)) return state;
  return { ...state, participants: state.participants.map((one) => (one.id === id ? change(one) : one)) };
}

function changeProducers(state: RoomState, id: string, change: (producers: ProducerView[]) => ProducerView[]): RoomState {
  return changeParticipant(state, id, (one) => ({ ...one, producers: change(one.producers ?? []) }));
}
