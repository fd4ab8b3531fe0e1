import { useId, type InputHTMLAttributes, type ReactNode } from 'react';

interface CheckboxProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'type'> {
  label: ReactNode;
  hint?: ReactNode;
}

/** One of several that may be chosen together. */
export function Checkbox({ label, hint, ...rest }: CheckboxProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-2.5 py-1 max-md:py-2.5">
      <input id={id} type="checkbox" className="mt-0.5 size-4 flex-none accent-ink" {...rest} />
      <label htmlFor={id} className="min-w-0">
        <span className="block">{label}</span>
        {hint && <span className="block text-xs text-ink-3">{hint}</span>}
      </label>
    </div>
  );
}
