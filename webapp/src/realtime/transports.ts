import type { types } from 'mediasoup-client';
import type { TransportOptions } from '@/api/generated/signaling';
import type { MediaWire } from './media-wire';

/** Open a sealed value: the server carries RTP, ICE and DTLS unread; mediasoup-client on both ends gives them their shape. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the shape
export function sealed<T>(value: unknown): T {
  return value as T;
}

/** What mediasoup-client's `createSendTransport/createRecvTransport` take. */
export function transportOptions(options: TransportOptions, iceServers: RTCIceServer[]): types.TransportOptions {
  return {
    id: options.id,
    iceParameters: sealed<types.IceParameters>(options.iceParameters),
    iceCandidates: sealed<types.IceCandidate[]>(options.iceCandidates),
    dtlsParameters: sealed<types.DtlsParameters>(options.dtlsParameters),
    iceServers,
  };
}

/** ICE entries without the nulls that RTCPeerConnection refuses. */
export function iceServersOf(entries: { urls: string[]; username?: string | null; credential?: string | null }[]): RTCIceServer[] {
  return entries.map(({ urls, username, credential }) => ({
    urls,
    ...(username != null && { username }),
    ...(credential != null && { credential }),
  }));
}

const ICE_RETRY_MS = 4_000;

/** Connect a transport, restart its ICE when it stumbles, and say when it is lost. */
export function watchTransport(transport: types.Transport, wire: MediaWire, onLost: () => void): void {
  transport.on('connect', ({ dtlsParameters }, done) => {
    wire.request('transport.connect', { transportId: transport.id, dtlsParameters }).catch(() => {
      if (!transport.closed) onLost();
    });
    // Not waiting for the answer saves a round trip: the socket keeps the order, and ICE starts meanwhile.
    done();
  });
  let restartedAt = -Infinity;
  transport.on('connectionstatechange', (state) => {
    if (state !== 'disconnected' && state !== 'failed') return;
    if (performance.now() - restartedAt < ICE_RETRY_MS) {
      if (state === 'failed') onLost();
      return;
    }
    restartedAt = performance.now();
    wire
      .request('transport.restartIce', { transportId: transport.id })
      .then(({ iceParameters }) => transport.restartIce({ iceParameters: sealed<types.IceParameters>(iceParameters) }))
      .catch(() => {
        if (!transport.closed) onLost();
      });
  });
}
