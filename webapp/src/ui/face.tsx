import { initials } from '@/lib/roles';
import { cn } from './cn';

interface FaceProps {
  name: string;
  /** Pixels across. */
  size?: number;
  /** Speaking: a ring of ink. */
  isRinged?: boolean;
  /** Connection lost: dashed. */
  isAway?: boolean;
}

/** A person: round, two letters. */
export function Face({ name, size = 28, isRinged = false, isAway = false }: FaceProps) {
  return (
    <span
      aria-hidden="true"
      style={{ width: size, height: size, fontSize: Math.max(10, size * 0.38) }}
      className={cn(
        'inline-grid flex-none place-items-center rounded-full leading-none font-semibold text-ink-2',
        isAway ? 'border border-dashed border-ink-3' : 'bg-active',
        isRinged && 'ring-2 ring-ink ring-offset-2 ring-offset-surface',
      )}
    >
      {initials(name)}
    </span>
  );
}
