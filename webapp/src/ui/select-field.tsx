import { CaretDownIcon } from '@phosphor-icons/react';
import { useId, type SelectHTMLAttributes } from 'react';

interface SelectFieldProps extends SelectHTMLAttributes<HTMLSelectElement> {
  label: string;
  options: { value: string; label: string }[];
}

/** A labelled choice: the browser's own list, which works everywhere. */
export function SelectField({ label, options, ...rest }: SelectFieldProps) {
  const id = useId();
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-xs font-medium text-ink-2">
        {label}
      </label>
      <div className="relative">
        <select
          id={id}
          className="text-input h-9 w-full appearance-none truncate rounded-2 border border-line-input bg-surface pr-8 pl-2.5 text-ink max-md:h-11"
          {...rest}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <CaretDownIcon size={12} className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-ink-2" />
      </div>
    </div>
  );
}
