import type { types } from 'mediasoup-client';
import { describe, expect, it } from 'vitest';
import { layerFor, planFor } from './publishing';

const codecs = (...names: string[]): types.RtpCodecCapability[] =>
  names.map((name) => ({ kind: 'video', mimeType: `video/${name}`, clockRate: 90_000, preferredPayloadType: 96 }));

describe('planFor', () => {
  it.each([
    [['VP8', 'H264', 'VP9', 'AV1'], 'video/AV1', 'text'],
    [['VP8', 'H264', 'VP9'], 'video/VP9', 'detail'],
    [['VP8', 'H264'], 'video/H264', 'detail'],
    [['VP8'], 'video/VP8', 'detail'],
  ])('shares a screen over %j as %s, never scaled down', (names, mimeType, hint) => {
    const plan = planFor('screen', codecs(...names));

    expect(plan.codec?.mimeType).toBe(mimeType);
    expect(plan).toMatchObject({
      contentHint: hint,
      degradationPreference: 'maintain-resolution',
      encodings: [{ maxBitrate: 2_500_000, maxFramerate: 15, scalabilityMode: 'L1T3' }],
      codecOptions: { videoGoogleStartBitrate: 2000 },
    });
  });

  it('sends a camera in three layers, never by a codec that has no simulcast', () => {
    const plan = planFor('camera', codecs('AV1', 'VP9', 'VP8'));

    expect(plan.codec?.mimeType).toBe('video/VP8');
    expect(plan.encodings?.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
  });

  it('sends a small camera in two layers, so that its largest one is among them', () => {
    const plan = planFor('camera', codecs('H264'), 360);

    expect(plan.encodings?.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([2, 1]);
  });

  it('sends a voice with DTX and FEC', () => {
    expect(planFor('microphone', []).codecOptions).toMatchObject({ opusDtx: true, opusFec: true });
  });
});

describe('layerFor', () => {
  it.each([
    [156, 3, 0],
    [216, 3, 0],
    [217, 3, 1],
    [432, 3, 1],
    [700, 3, 2],
    [4_000, 3, 2],
    [156, 2, 0],
    [300, 2, 1],
    [300, 1, 0],
  ])('fills a tile of %d px from %d layers with layer %d', (height, layerCount, layer) => {
    expect(layerFor(height, layerCount)).toBe(layer);
  });
});
