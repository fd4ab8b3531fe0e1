import { useEffect, useRef } from 'react';
import { useRoomSession } from './room-context';

const EVERY_MS = 120;
const SHAPE = [0.55, 1, 0.75, 0.4];

/** Four bars that move with a voice. Drawn past React: nothing else changes with them. */
export function VoiceBars({ producerId, size = 14 }: { producerId: string; size?: number }) {
  const session = useRoomSession();
  const ref = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      const level = Math.min(1, session.levelOf(producerId) * 3);
      const bars = ref.current?.children ?? [];
      for (const [index, bar] of [...bars].entries()) {
        if (bar instanceof HTMLElement) bar.style.height = `${Math.max(3, size * level * (SHAPE[index] ?? 1))}px`;
      }
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [session, producerId, size]);
  return (
    <span ref={ref} className="inline-flex flex-none items-center gap-0.5" style={{ height: size }} aria-hidden="true">
      {SHAPE.map((part) => (
        <i key={part} className="w-0.5 rounded-[1px] bg-current" style={{ height: 3 }} />
      ))}
    </span>
  );
}
