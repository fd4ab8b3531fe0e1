import { detectDevice, Device, type types } from 'mediasoup-client';
import { Chrome74 } from 'mediasoup-client/handlers/Chrome74';
import { Chrome111 } from 'mediasoup-client/handlers/Chrome111';
import { Firefox120 } from 'mediasoup-client/handlers/Firefox120';
import { Safari12 } from 'mediasoup-client/handlers/Safari12';

const HANDLERS = { Chrome111, Chrome74, Firefox120, Safari12 };

/**
 * A Device that asks the browser what it can do now, while one stands at the door, and not when one joins: two peer
 * connections and their offers, some 50 ms, which also start the media engine's threads, codecs and certificates.
 */
export async function prepareDevice(): Promise<Device> {
  const name = detectDevice();
  if (name === undefined || !(name in HANDLERS)) return Device.factory();
  const handlerFactory = remembering(HANDLERS[name as keyof typeof HANDLERS].createFactory({}));
  const device = await Device.factory({ handlerFactory });
  askAhead(handlerFactory).catch(() => undefined);
  return device;
}

async function askAhead(factory: types.HandlerFactory): Promise<void> {
  // In the order, and one after the other, as `Device.load` will ask; a page without WebRTC says so when it joins.
  await factory.getNativeRtpCapabilities({ direction: 'recvonly' });
  await factory.getNativeRtpCapabilities({ direction: 'sendonly' });
}

/** The same handlers; what the browser can do is asked once. A refusal is forgotten. */
export function remembering(factory: types.HandlerFactory): types.HandlerFactory {
  const known = new Map<string, Promise<types.RtpCapabilities>>();
  return {
    ...factory,
    getNativeRtpCapabilities: ({ direction }) => {
      const asked = known.get(direction) ?? factory.getNativeRtpCapabilities({ direction });
      known.set(direction, asked);
      asked.catch(() => known.delete(direction));
      return asked;
    },
  };
}
