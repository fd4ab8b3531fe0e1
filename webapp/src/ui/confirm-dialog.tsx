import { useState, type ReactNode } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';
import { TextField } from './text-field';

interface ConfirmDialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: string;
  /** What will happen, and what will not. */
  description: ReactNode;
  /** The verb, as on the button that led here. */
  verb: string;
  isDanger?: boolean;
  /** What must be typed before the button works; for what can't be undone. */
  typed?: string;
  isBusy?: boolean;
  /** Why it did not work. */
  error?: string | null;
  onConfirm: () => void;
}

/** Ask before something that can't be undone. */
export function ConfirmDialog({ isOpen, onOpenChange, typed, ...rest }: ConfirmDialogProps) {
  return isOpen ? <Question onOpenChange={onOpenChange} {...(typed !== undefined && { typed })} {...rest} /> : null;
}

function Question({
  onOpenChange, title, description, verb, isDanger = true, typed, isBusy = false, error, onConfirm,
}: Omit<ConfirmDialogProps, 'isOpen'>) {
  const [text, setText] = useState('');
  const isReady = typed === undefined || text.trim() === typed;
  return (
    <Dialog
      isOpen
      onOpenChange={onOpenChange}
      title={title}
      description={description}
      footer={
        <>
          <Button look="quiet" onClick={() => onOpenChange(false)}>
            Not now
          </Button>
          <Button
            look={isDanger ? 'danger-solid' : 'primary'}
            disabled={!isReady}
            isBusy={isBusy}
            onClick={onConfirm}
            data-testid="confirm"
          >
            {verb}
          </Button>
        </>
      }
    >
      {typed !== undefined && (
        <TextField label={`Type ${typed} to confirm`} value={text} autoComplete="off" onChange={(event) => setText(event.target.value)} />
      )}
      {error && (
        <p className="mt-2 text-xs text-live" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}
