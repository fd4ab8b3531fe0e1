import { useEffect, useState } from 'react';

export interface DeviceList {
  microphones: { value: string; label: string }[];
  cameras: { value: string; label: string }[];
}

const NONE: DeviceList = { microphones: [], cameras: [] };
const CHOSEN = { microphone: 'microphone-id', camera: 'camera-id' } as const;

/** The microphones and cameras there are; their names are known only once permission was given. `again` re-reads. */
export function useDevices(again: unknown): DeviceList {
  const [list, setList] = useState(NONE);
  useEffect(() => {
    // Absent outside https and localhost.
    const media = navigator.mediaDevices as MediaDevices | undefined;
    if (!media) return;
    let isGone = false;
    async function read(): Promise<void> {
      const devices = await media?.enumerateDevices().catch(() => []);
      if (isGone || !devices) return;
      setList({ microphones: choices(devices, 'audioinput', 'Microphone'), cameras: choices(devices, 'videoinput', 'Camera') });
    }
    const change = (): void => void read();
    void read();
    media.addEventListener('devicechange', change);
    return () => {
      isGone = true;
      media.removeEventListener('devicechange', change);
    };
  }, [again]);
  return list;
}

function choices(devices: MediaDeviceInfo[], kind: MediaDeviceKind, word: string): { value: string; label: string }[] {
  return devices
    .filter((device) => device.kind === kind && device.deviceId !== '')
    .map((device, index) => ({ value: device.deviceId, label: device.label || `${word} ${index + 1}` }));
}

/** The device used last time; null means the browser's own choice. */
export function chosenDevice(what: keyof typeof CHOSEN): string | null {
  return localStorage.getItem(CHOSEN[what]);
}

export function rememberDevice(what: keyof typeof CHOSEN, id: string): void {
  localStorage.setItem(CHOSEN[what], id);
}
