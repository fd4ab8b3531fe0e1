import { useId, type ReactNode } from 'react';
import { cn } from './cn';

interface SwitchProps {
  label: string;
  hint?: ReactNode;
  isOn: boolean;
  isBusy?: boolean;
  disabled?: boolean;
  onChange: (isOn: boolean) => void;
  testId?: string;
}

/** On or off, at once: no button saves it. */
export function Switch({ label, hint, isOn, isBusy = false, disabled = false, onChange, testId }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex min-h-12 items-center gap-4 border-line px-3.5 py-2 not-last:border-b">
      <div className="min-w-0 flex-1">
        <div id={id} className="font-medium">
          {label}
        </div>
        {hint && <div className="text-xs text-ink-2">{hint}</div>}
      </div>
      <button
        type="button"
        role="switch"
        aria-checked={isOn}
        aria-labelledby={id}
        aria-busy={isBusy || undefined}
        disabled={disabled || isBusy}
        onClick={() => onChange(!isOn)}
        data-testid={testId}
        className={cn(
          'relative h-5 w-9 flex-none rounded-full border transition-colors duration-(--dur-1)',
          isOn ? 'border-solid bg-solid' : 'border-line-input bg-active',
          disabled && 'opacity-50',
        )}
      >
        <span
          className={cn(
            'absolute top-0.5 size-3.5 rounded-full transition-[left] duration-(--dur-1)',
            isOn ? 'left-4.5 bg-on-solid' : 'left-0.5 bg-ink-2',
          )}
        />
      </button>
    </div>
  );
}
