import { CheckIcon, MicrophoneSlashIcon } from '@phosphor-icons/react';
import { useEffect } from 'react';
import type { LocalMedia } from '@/realtime/room-store';
import type { Source } from '@/realtime/publishing';
import { Button } from '@/ui/button';
import { Spinner } from '@/ui/spinner';
import { Banner } from '@/ui/states';
import { useNow } from '@/ui/use-now';
import { useRoom, useRoomSession } from './room-context';

const BACK_SHOWN_MS = 8_000;
/** Below this an interruption is not worth a word. */
const BACK_WORTH_MS = 2_500;
const SEAT_S = 15;

/** Under the top bar: the state of the connection and of our own devices, when there is something to say. */
export function Banners() {
  const lostAt = useRoom((state) => state.lostAt);
  return (
    <>
      {lostAt !== null && <Reconnecting lostAt={lostAt} />}
      <BackAgain />
      <DeviceTrouble />
    </>
  );
}

function Reconnecting({ lostAt }: { lostAt: number }) {
  const session = useRoomSession();
  const seconds = Math.floor((useNow() - lostAt) / 1000);
  const hasSeat = useRoom((state) => state.facts?.grant.takesSeat ?? false);
  return (
    <Banner
      testId="reconnecting"
      tone="warn"
      icon={<Spinner size={16} />}
      action={
        <Button size="sm" onClick={() => session.tryNow()}>
          Try now
        </Button>
      }
    >
      <b>Reconnecting.</b> The picture may be behind.
      {hasSeat && seconds < SEAT_S ? ` Your seat is kept for ${SEAT_S - seconds} s.` : seconds > 2 ? ` Lost ${seconds} s ago.` : ''}
    </Banner>
  );
}

function BackAgain() {
  const session = useRoomSession();
  const backAfterMs = useRoom((state) => state.backAfterMs);
  useEffect(() => {
    if (backAfterMs === null) return;
    const timer = setTimeout(() => session.dismissBack(), BACK_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [backAfterMs, session]);
  if (backAfterMs === null || backAfterMs < BACK_WORTH_MS) return null;
  return (
    <Banner
      testId="back-again"
      icon={<CheckIcon size={16} />}
      action={
        <Button size="sm" look="quiet" onClick={() => session.dismissBack()}>
          Good
        </Button>
      }
    >
      <b>Back after {Math.round(backAfterMs / 1000)} s.</b> Chat and alerts are complete.
    </Banner>
  );
}

const DEVICE: Record<Source, string> = { microphone: 'microphone', camera: 'camera', screen: 'screen' };

function DeviceTrouble() {
  const local = useRoom((state) => state.local);
  const source = (['microphone', 'camera', 'screen'] as const).find((one) => local[one].problem !== null);
  if (!source) return null;
  return (
    <Banner testId="device-trouble" tone="warn" icon={<MicrophoneSlashIcon size={18} />}>
      {sentence(source, local[source])}
    </Banner>
  );
}

function sentence(source: Source, { problem }: LocalMedia): string {
  const device = DEVICE[source];
  switch (problem) {
    case 'blocked':
      return `The browser blocks the ${device}. Allow it beside the address, then press the button again.`;
    case 'missing':
      return `No ${device} was found. Plug one in, then press the button again.`;
    case 'busy':
      return `Another program uses the ${device}. Close it there, then press the button again.`;
    case 'refused':
      return `The server did not take your ${device}. Try again in a moment.`;
    default:
      return `This browser can’t send your ${device}.`;
  }
}
