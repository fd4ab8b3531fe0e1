import { Tooltip as Radix } from 'radix-ui';
import type { ReactElement } from 'react';

interface TipProps {
  text: string;
  /** The key that does the same. */
  shortcut?: string;
  side?: 'top' | 'bottom';
  children: ReactElement;
}

/** A few words about what is under the pointer or the focus. Needs `Radix.Provider` above (app/providers). */
export function Tip({ text, shortcut, side = 'top', children }: TipProps) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="appearing z-(--z-tooltip) flex items-center gap-2 rounded-2 bg-solid px-2 py-1.25 text-xs font-medium text-on-solid"
        >
          {text}
          {shortcut && (
            <kbd className="min-w-4.5 rounded-[3px] border border-current/40 px-1 text-center font-mono text-2xs">{shortcut}</kbd>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
