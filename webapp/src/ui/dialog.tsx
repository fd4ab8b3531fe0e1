import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

interface DialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: string;
  /** What it means, in one or two sentences. */
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the one that does it last. */
  footer?: ReactNode;
}

/** A question or a small form over everything. Traps focus and gives it back. */
export function Dialog({ isOpen, onOpenChange, title, description, children, footer }: DialogProps) {
  return (
    <Radix.Root open={isOpen} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="appearing fixed inset-0 z-(--z-dialog) bg-scrim" />
        <Radix.Content
          className="appearing fixed top-1/2 left-1/2 z-(--z-dialog) max-h-[calc(100dvh-32px)] w-[min(440px,calc(100vw-24px))] -translate-1/2 overflow-y-auto rounded-4 bg-raised px-5 pt-4.5 pb-4 shadow-dialog"
          {...(description === undefined && { 'aria-describedby': undefined })}
        >
          <Radix.Title className="text-lg font-semibold">{title}</Radix.Title>
          {description !== undefined && (
            <Radix.Description className="mt-1.5 text-md text-ink-2">{description}</Radix.Description>
          )}
          {children && <div className="mt-3">{children}</div>}
          {footer && <div className="mt-4 flex flex-wrap justify-end gap-2">{footer}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
