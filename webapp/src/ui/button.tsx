import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { cn } from './cn';
import { Spinner } from './spinner';

type Look = 'primary' | 'default' | 'quiet' | 'danger' | 'danger-solid';
type Size = 'xs' | 'sm' | 'md' | 'lg' | 'touch';

const LOOKS: Record<Look, string> = {
  primary: 'bg-solid border-solid text-on-solid font-semibold hover:bg-solid-hover',
  default: 'bg-raised border-line-strong text-ink font-medium hover:bg-hover active:bg-active',
  quiet: 'border-transparent text-ink-2 font-medium hover:bg-hover hover:text-ink',
  danger: 'bg-live-soft border-live-line text-live font-medium hover:bg-live-fill hover:text-on-live hover:border-live-fill',
  'danger-solid': 'bg-live-fill border-live-fill text-on-live font-semibold hover:opacity-90',
};
const SIZES: Record<Size, string> = {
  xs: 'touchable h-6 px-2 text-xs gap-1',
  sm: 'touchable h-7 px-2.5 text-xs gap-1.5 max-md:h-9',
  md: 'h-8 px-3 gap-1.5 max-md:h-11',
  lg: 'h-9 px-4 gap-2 max-md:h-11',
  touch: 'h-11 px-4 gap-2 text-md',
};

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  size?: Size;
  /** Something runs: a spinner stands before the words, and it can't be pressed again. */
  isBusy?: boolean;
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = 'default', size = 'md', isBusy = false, className, children, disabled, ...rest }: ButtonProps) {
  const isOff = disabled === true && !isBusy;
  return (
    <button
      type="button"
      disabled={disabled === true || isBusy}
      aria-busy={isBusy || undefined}
      className={cn(
        'inline-flex items-center justify-center rounded-2 border whitespace-nowrap transition-colors duration-(--dur-1) select-none',
        SIZES[size],
        isOff ? cn('font-medium text-ink-off', look === 'quiet' ? 'border-transparent' : 'border-line') : LOOKS[look],
        className,
      )}
      {...rest}
    >
      {isBusy && <Spinner />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, 'children'> {
  /** Read aloud, and shown as the tip. */
  label: string;
  children: ReactNode;
}

/** A square button with an icon only. */
export function IconButton({ label, size = 'sm', look = 'quiet', className, ...rest }: IconButtonProps) {
  const width = { xs: 'w-6', sm: 'w-7.5 max-md:w-9', md: 'w-8 max-md:w-11', lg: 'w-9', touch: 'w-11' }[size];
  return <Button aria-label={label} title={label} size={size} look={look} className={cn('px-0!', width, className)} {...rest} />;
}
