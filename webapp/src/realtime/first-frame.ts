import type { types } from 'mediasoup-client';

const LOOK_EVERY_MS = 50;
/** A track that shows nothing for this long will not by waiting: a muted one, a share of a still window. */
const PATIENCE_MS = 4_000;

/** Resolves when a consumer has its first frame or sound, is closed, or took too long. */
export async function firstFrame(consumer: types.Consumer): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!consumer.closed && performance.now() < giveUpAt) {
    if (await hasArrived(consumer)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function hasArrived(consumer: types.Consumer): Promise<boolean> {
  try {
    for (const entry of (await consumer.getStats()).values() as Iterable<Inbound>) {
      if (entry.type !== 'inbound-rtp') continue;
      // Decoded, not only received: a picture may still wait for its key frame.
      if (consumer.kind === 'video' ? (entry.framesDecoded ?? 0) > 0 : (entry.packetsReceived ?? 0) > 0) return true;
    }
  } catch {
    // Closed meanwhile: the loop sees it.
  }
  return false;
}

interface Inbound {
  type: string;
  framesDecoded?: number;
  packetsReceived?: number;
}
