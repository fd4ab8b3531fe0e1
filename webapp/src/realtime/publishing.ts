import type { types } from 'mediasoup-client';

export type Source = 'microphone' | 'camera' | 'screen';

/** What `produce` is called with, besides the track and the transport's own things. */
export interface PublishPlan {
  codec?: types.RtpCodecCapability;
  encodings?: types.RtpEncodingParameters[];
  codecOptions?: types.ProducerCodecOptions;
  contentHint: '' | 'speech' | 'motion' | 'detail' | 'text';
  degradationPreference?: RTCDegradationPreference;
}

/** Screen, best first: sharpest numbers for the bits (docs/sharpness.md); H264 and VP8 for those who lack the others. */
const SCREEN_CODECS = ['video/av1', 'video/vp9', 'video/h264', 'video/vp8'];
/** Camera, best first: simulcast works with both; VP8 stands behind for browsers without H264 (decisions.md 1). */
const CAMERA_CODECS = ['video/h264', 'video/vp8'];

/**
 * How to publish a source.
 *
 * @param codecs what both this browser and the routers can send (`device.sendRtpCapabilities.codecs`).
 * @param height of the camera's picture in pixels; decides how many simulcast layers make sense.
 */
export function planFor(source: Source, codecs: readonly types.RtpCodecCapability[], height = 720): PublishPlan {
  switch (source) {
    case 'microphone':
      return { codecOptions: { opusDtx: true, opusFec: true, opusStereo: false }, contentHint: 'speech' };
    case 'camera':
      return {
        ...withCodec(firstOf(CAMERA_CODECS, codecs)),
        encodings: cameraLayers(height),
        codecOptions: { videoGoogleStartBitrate: 600 },
        contentHint: 'motion',
        degradationPreference: 'maintain-framerate',
      };
    case 'screen': {
      const codec = firstOf(SCREEN_CODECS, codecs);
      return {
        ...withCodec(codec),
        // One encoding at full resolution, three temporal layers: a weak link loses frame rate, never sharpness.
        encodings: [{ maxBitrate: 2_500_000, maxFramerate: 15, scalabilityMode: 'L1T3' }],
        // Without a start rate half of the measured shares never left 550 kbit/s (docs/sharpness.md, traps).
        codecOptions: { videoGoogleStartBitrate: 2000 },
        contentHint: codec?.mimeType.toLowerCase() === 'video/av1' ? 'text' : 'detail',
        degradationPreference: 'maintain-resolution',
      };
    }
  }
}

/** Chromium sends three layers from 960x540 on and two below; given more, it silently leaves out the largest (seen with 156). */
const THREE_LAYERS_FROM_HEIGHT = 540;

function cameraLayers(height: number): types.RtpEncodingParameters[] {
  const scalabilityMode = 'L1T3';
  if (height < THREE_LAYERS_FROM_HEIGHT) {
    return [
      { scaleResolutionDownBy: 2, maxBitrate: 200_000, scalabilityMode },
      { scaleResolutionDownBy: 1, maxBitrate: 700_000, scalabilityMode },
    ];
  }
  return [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000, scalabilityMode },
    { scaleResolutionDownBy: 2, maxBitrate: 500_000, scalabilityMode },
    { scaleResolutionDownBy: 1, maxBitrate: 1_500_000, scalabilityMode },
  ];
}

/** Heights of a camera's largest layer, by how many there are: what `capture` asks for (720p), or less than three layers of it. */
const TOP_HEIGHTS = [0, 720, 360];
/** A picture may be stretched this much before the next layer is worth its bits. */
const STRETCH = 1.2;

/**
 * The smallest layer that fills a tile.
 *
 * @param height of the tile, device pixels, > 0.
 * @param layerCount spatial layers the camera is sent in, >= 1; each is twice as high as the one below.
 */
export function layerFor(height: number, layerCount: number): number {
  const top = TOP_HEIGHTS[layerCount] ?? 720;
  for (let layer = 0; layer < layerCount - 1; layer++) {
    if ((top / 2 ** (layerCount - 1 - layer)) * STRETCH >= height) return layer;
  }
  return layerCount - 1;
}

function firstOf(wanted: string[], codecs: readonly types.RtpCodecCapability[]): types.RtpCodecCapability | undefined {
  for (const mimeType of wanted) {
    const found = codecs.find((codec) => codec.mimeType.toLowerCase() === mimeType);
    if (found) return found;
  }
  return undefined;
}

function withCodec(codec: types.RtpCodecCapability | undefined): { codec?: types.RtpCodecCapability } {
  return codec ? { codec } : {};
}
