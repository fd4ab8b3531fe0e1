import { useState } from 'react';
import type { Workspace } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useChange } from './api';

export type WorkspaceQuestion = { kind: 'new' } | { kind: 'rename' | 'delete'; workspace: Workspace };
const MAX_NAME = 80;

interface WorkspaceDialogProps {
  organizationId: string;
  question: WorkspaceQuestion;
  onClose: () => void;
}

/** Make, rename or delete a workspace. */
export function WorkspaceDialog({ organizationId, question, onClose }: WorkspaceDialogProps) {
  const remove = useChange<string>(organizationId, 'DELETE', (id) => `/workspaces/${id}`, () => undefined);
  if (question.kind === 'delete') {
    return (
      <ConfirmDialog
        isOpen
        onOpenChange={onClose}
        title={`Delete ${question.workspace.name}`}
        description="It is empty, so nothing else goes."
        verb="Delete"
        isBusy={remove.isPending}
        error={remove.error ? sentenceOf(remove.error, 'It was not deleted.') : null}
        onConfirm={() => remove.mutate(question.workspace.id, { onSuccess: onClose })}
      />
    );
  }
  return <NameDialog organizationId={organizationId} workspace={question.kind === 'rename' ? question.workspace : null} onClose={onClose} />;
}

function NameDialog({ organizationId, workspace, onClose }: { organizationId: string; workspace: Workspace | null; onClose: () => void }) {
  const [name, setName] = useState(workspace?.name ?? '');
  const save = useChange<string>(
    organizationId,
    workspace ? 'PATCH' : 'POST',
    () => (workspace ? `/workspaces/${workspace.id}` : '/workspaces'),
    (text) => ({ name: text }),
  );
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={workspace ? `Rename ${workspace.name}` : 'New workspace'}
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button
            look="primary"
            disabled={name.trim() === ''}
            isBusy={save.isPending}
            onClick={() => save.mutate(name.trim(), { onSuccess: onClose })}
            data-testid="workspace-save"
          >
            {workspace ? 'Rename' : 'Make workspace'}
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        autoFocus
        maxLength={MAX_NAME}
        value={name}
        error={save.error ? sentenceOf(save.error, 'It was not saved. Try again in a moment.') : null}
        onChange={(event) => setName(event.target.value)}
        data-testid="workspace-name"
      />
    </Dialog>
  );
}
