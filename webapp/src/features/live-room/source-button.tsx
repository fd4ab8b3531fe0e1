import { CaretUpIcon } from '@phosphor-icons/react';
import type { ReactNode } from 'react';
import type { LocalMedia } from '@/realtime/room-store';
import { cn } from '@/ui/cn';
import { Menu, MenuChoice, MenuLabel } from '@/ui/menu';
import { Spinner } from '@/ui/spinner';
import { Tip } from '@/ui/tip';

/** How a source of ours looks: ready to be switched on, on, muted or off (red), blocked (yellow), shared (filled). */
export type SourceLook = 'rest' | 'off' | 'blocked' | 'filled';

const LOOKS: Record<SourceLook, string> = {
  rest: 'bg-raised border-line-strong text-ink [&>button:hover]:bg-hover',
  off: 'bg-live-soft border-live-line text-live',
  blocked: 'bg-warn-soft border-warn-line text-warn',
  filled: 'bg-solid border-solid text-on-solid [&>button:hover]:bg-solid-hover',
};

interface SourceButtonProps {
  icon: ReactNode;
  /** The word on the button; on phones it stands below the icon. */
  word: string;
  /** What pressing does: the tip, and read aloud after the word. */
  action: string;
  shortcut: string;
  look: SourceLook;
  media: LocalMedia;
  onPress: () => void;
  testId: string;
  options?: { label: string; value: string; choices: { value: string; label: string }[]; onChange: (value: string) => void };
}

/** Microphone, camera or share, with its choice of devices. */
export function SourceButton({ icon, word, action, shortcut, look, media, onPress, testId, options }: SourceButtonProps) {
  return (
    <span className={cn('inline-flex h-9.5 flex-none overflow-hidden rounded-3 border max-md:h-12', LOOKS[look])}>
      <Tip text={action} shortcut={shortcut}>
        <button
          type="button"
          aria-pressed={media.status === 'on'}
          data-testid={testId}
          data-state={media.problem ?? media.status}
          disabled={media.status === 'starting'}
          onClick={onPress}
          className="inline-flex h-full items-center gap-2 px-3 font-medium whitespace-nowrap focus-visible:-outline-offset-2 max-md:flex-col max-md:justify-center max-md:gap-0.5 max-md:px-2 max-md:text-2xs"
        >
          {media.status === 'starting' ? <Spinner size={18} /> : icon}
          <span className="max-xl:sr-only max-md:not-sr-only">{word}</span>
          <span className="sr-only">. {action}</span>
        </button>
      </Tip>
      {options && options.choices.length > 0 && (
        <Menu
          side="top"
          align="start"
          trigger={
            <button
              type="button"
              aria-label={`${options.label} options`}
              className="h-full border-l border-current/25 px-1.75 focus-visible:-outline-offset-2 max-md:hidden"
            >
              <CaretUpIcon size={12} />
            </button>
          }
        >
          <MenuLabel>{options.label}</MenuLabel>
          <MenuChoice value={options.value} onChange={options.onChange} options={options.choices} />
        </Menu>
      )}
    </span>
  );
}
