import type { types } from 'mediasoup-client';
import type { ConsumerOptions } from '@/api/generated/signaling';
import type { Source } from './publishing';
import type { Sendable } from './delivery';
import { sealed } from './transports';

export interface ConsumerData extends Record<string, unknown> {
  participantId: string;
  source: Source;
}

/** What mediasoup-client takes for an offer. */
export function consumeOptions(offer: ConsumerOptions): Sendable & types.ConsumerOptions<ConsumerData> {
  return {
    id: offer.id,
    producerId: offer.producerId,
    kind: offer.kind,
    rtpParameters: sealed<types.RtpParameters>(offer.rtpParameters),
    // Face and voice play in step; the screen must not wait for either.
    streamId: `${offer.participantId}-${offer.source === 'screen' ? 'screen' : 'person'}`,
    appData: { participantId: offer.participantId, source: offer.source },
  };
}
