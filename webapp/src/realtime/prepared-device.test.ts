import { Device, FakeHandler, testFakeParameters as fake, type types } from 'mediasoup-client';
import { describe, expect, it, vi } from 'vitest';
import { remembering } from './prepared-device';

describe('remembering', () => {
  it('asks the browser once for each direction, and a Device loads from that', async () => {
    const factory = FakeHandler.createFactory(fake);
    const ask = vi.fn((options: types.HandlerGetNativeRtpCapabilitiesOptions) => factory.getNativeRtpCapabilities(options));
    const handlerFactory = remembering({ ...factory, getNativeRtpCapabilities: ask });
    await handlerFactory.getNativeRtpCapabilities({ direction: 'recvonly' });
    await handlerFactory.getNativeRtpCapabilities({ direction: 'sendonly' });

    const device = await Device.factory({ handlerFactory });
    await device.load({ routerRtpCapabilities: fake.generateRouterRtpCapabilities() });

    expect(ask).toHaveBeenCalledTimes(2);
    expect(device.recvRtpCapabilities.codecs?.length).toBeGreaterThan(0);
  });

  it('forgets a refusal', async () => {
    const factory = FakeHandler.createFactory(fake);
    const ask = vi.fn((options: types.HandlerGetNativeRtpCapabilitiesOptions) => factory.getNativeRtpCapabilities(options)).mockRejectedValueOnce(new Error('not now'));
    const handlerFactory = remembering({ ...factory, getNativeRtpCapabilities: ask });

    await expect(handlerFactory.getNativeRtpCapabilities({ direction: 'recvonly' })).rejects.toThrow('not now');
    await expect(handlerFactory.getNativeRtpCapabilities({ direction: 'recvonly' })).resolves.toBeDefined();
  });
});
