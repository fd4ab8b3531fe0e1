import { Popover as Radix } from 'radix-ui';
import { useState, type ComponentProps, type PointerEvent, type ReactNode } from 'react';
import { cn } from './cn';

interface PeekProps extends Omit<ComponentProps<'button'>, 'content'> {
  /** What is under the mark, in a few words. */
  label: string;
  content: ReactNode;
  side?: 'top' | 'bottom';
}

/** A mark with details under it: they open under the pointer, by a tap, or by Enter. The focus stays where it is. */
export function Peek({ label, content, side = 'bottom', className, children, ...rest }: PeekProps) {
  const [isOpen, setOpen] = useState(false);
  const hover = (isInside: boolean) => (event: PointerEvent) => event.pointerType === 'mouse' && setOpen(isInside);
  return (
    <Radix.Root open={isOpen} onOpenChange={setOpen}>
      <Radix.Trigger asChild>
        <button
          type="button"
          aria-label={label}
          onPointerEnter={hover(true)}
          onPointerLeave={hover(false)}
          className={cn('inline-flex flex-none items-center rounded-1', className)}
          {...rest}
        >
          {children}
        </button>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          aria-label={label}
          onOpenAutoFocus={(event) => event.preventDefault()}
          onCloseAutoFocus={(event) => event.preventDefault()}
          className="appearing z-(--z-tooltip) rounded-3 bg-raised px-3 py-2.5 text-xs shadow-menu outline-none"
        >
          {content}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
