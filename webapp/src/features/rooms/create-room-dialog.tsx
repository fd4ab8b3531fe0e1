import { useState, type SubmitEvent } from 'react';
import { codeOf, sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useCreateRoom } from './api';

interface CreateRoomDialogProps {
  organizationId: string;
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

/** A new room needs a name and nothing else. */
export function CreateRoomDialog({ organizationId, isOpen, onOpenChange }: CreateRoomDialogProps) {
  const [name, setName] = useState('');
  const create = useCreateRoom(organizationId);
  const isFull = codeOf(create.error) === 'plan_limit_reached';

  function close(): void {
    onOpenChange(false);
    create.reset();
  }

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    create.mutate(name.trim(), {
      onSuccess: () => {
        setName('');
        onOpenChange(false);
      },
    });
  }

  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={close}
      title="New room"
      description="The lasting place of your sessions. Members see it at once."
      footer={
        <>
          <Button look="quiet" onClick={close}>
            Not now
          </Button>
          <Button type="submit" form="create-room" look="primary" isBusy={create.isPending} data-testid="create-room-submit">
            Create
          </Button>
        </>
      }
    >
      <form id="create-room" onSubmit={submit}>
        <TextField
          label="Room name"
          placeholder="Opening Drive"
          required
          autoFocus
          maxLength={80}
          value={name}
          error={create.error && !isFull ? sentenceOf(create.error, 'It was not created. Try again in a moment.') : null}
          onChange={(event) => setName(event.target.value)}
          data-testid="create-room-name"
        />
      </form>
      {isFull && (
        <p className="mt-3 rounded-2 border border-warn-line bg-warn-soft px-3 py-2" role="alert" data-testid="plan-limit">
          <b>All rooms of the plan are in use.</b> {sentenceOf(create.error, '')} Nothing that runs now is touched.
        </p>
      )}
    </Dialog>
  );
}
