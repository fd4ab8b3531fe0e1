import type { types } from 'mediasoup-client';
import type { ConsumerData } from './consume-options';
import type { Source } from './publishing';

/** A track of someone else, as it can be shown. */
export interface RemoteTrack {
  consumerId: string;
  producerId: string;
  participantId: string;
  kind: 'audio' | 'video';
  source: Source;
  track: MediaStreamTrack;
}

export function remoteTrackOf({ id, producerId, kind, track, appData }: types.Consumer<ConsumerData>): RemoteTrack {
  const { participantId, source } = appData;
  return { consumerId: id, producerId, participantId, kind, source, track };
}
