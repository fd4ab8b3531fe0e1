import { useId, type InputHTMLAttributes, type ReactNode, type Ref } from 'react';
import { cn } from './cn';

interface TextFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  /** What is wrong with what was typed; replaces the hint. */
  error?: string | null;
  hint?: string;
  /** Stands inside the frame, after the text. */
  end?: ReactNode;
  ref?: Ref<HTMLInputElement>;
}

/** A labelled line of text. */
export function TextField({ label, error, hint, end, className, ...rest }: TextFieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={cn('grid content-start gap-1', className)}>
      <label htmlFor={id} className="text-xs font-medium text-ink-2">
        {label}
      </label>
      <div
        className={cn(
          'flex h-9 max-md:h-11 items-center gap-2 rounded-2 border bg-surface px-2.5 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-focus',
          error ? 'border-live ring-1 ring-live' : 'border-line-input',
        )}
      >
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          className="text-input min-w-0 flex-1 bg-transparent text-ink outline-none! shadow-none!"
          {...rest}
        />
        {end}
      </div>
      {note && (
        <p id={`${id}-note`} className={cn('text-xs', error ? 'text-live' : 'text-ink-3')}>
          {note}
        </p>
      )}
    </div>
  );
}
