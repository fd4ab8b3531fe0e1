import { CheckIcon, CopyIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import { IconButton } from './button';
import { TextField } from './text-field';

interface CopyFieldProps {
  label: string;
  value: string;
  hint?: string;
  isMono?: boolean;
  testId?: string;
}

/** Text to take away: selected on focus, copied by the button. */
export function CopyField({ label, value, hint, isMono = false, testId }: CopyFieldProps) {
  const [isCopied, setCopied] = useState(false);

  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(value).then(
      () => setCopied(true),
      () => undefined,
    );
  }

  return (
    <TextField
      label={label}
      readOnly
      value={value}
      {...(hint !== undefined && { hint })}
      onFocus={(event) => event.target.select()}
      data-testid={testId}
      style={isMono ? { fontFamily: 'var(--mono)' } : undefined}
      end={
        <IconButton label={isCopied ? 'Copied' : 'Copy'} onClick={copy} className="-mr-1.5">
          {isCopied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
        </IconButton>
      }
    />
  );
}
