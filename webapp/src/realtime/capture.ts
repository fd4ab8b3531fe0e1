import type { Source } from './publishing';

/** Why a device could not be had. `dismissed`: the person closed the chooser; nothing is wrong. */
export type CaptureProblem = 'blocked' | 'missing' | 'busy' | 'dismissed' | 'unsupported';

export interface Devices {
  microphoneId: string | null;
  cameraId: string | null;
}

/** Ask the browser for one track. The only place that does. */
export async function capture(source: Source, devices: Devices): Promise<MediaStreamTrack> {
  const stream = await open(source, devices);
  const track = source === 'microphone' ? stream.getAudioTracks()[0] : stream.getVideoTracks()[0];
  if (!track) throw new DOMException('No track.', 'NotFoundError');
  return track;
}

function open(source: Source, devices: Devices): Promise<MediaStream> {
  if (source === 'microphone') {
    const wanted = devices.microphoneId ? { deviceId: { ideal: devices.microphoneId } } : {};
    const audio = { ...wanted, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    return navigator.mediaDevices.getUserMedia({ audio });
  }
  if (source === 'camera') {
    const wanted = devices.cameraId ? { deviceId: { ideal: devices.cameraId } } : {};
    // Three encodings of 720p are more than a small machine can spare beside a screen.
    const isSmall = navigator.hardwareConcurrency <= 4;
    const size = isSmall ? { width: { ideal: 640 }, height: { ideal: 360 } } : { width: { ideal: 1280 }, height: { ideal: 720 } };
    return navigator.mediaDevices.getUserMedia({ video: { ...wanted, ...size, frameRate: { ideal: 24 } } });
  }
  return navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: false });
}

/** What went wrong, from the browser's error name (Media Capture and Streams, 10.2 and Screen Capture, 5.1). */
export function problemOf(error: unknown, source: Source): CaptureProblem {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return source === 'screen' ? 'dismissed' : 'blocked';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'unsupported';
}
