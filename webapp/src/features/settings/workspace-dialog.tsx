import { useState } from 'react';
import { call } from '@/api/client';
import { newerOf } from '@/api/edit';
import type { Workspace } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { ConfirmDialog } from '@/ui/confirm-dialog';
import { Dialog } from '@/ui/dialog';
import { TextField } from '@/ui/text-field';
import { useChange } from './api';
import { EditProblem } from './edit-problem';
import { useWorkspaceEdit } from './edits';

export type WorkspaceQuestion = { kind: 'new' } | { kind: 'rename' | 'delete'; workspace: Workspace };
const MAX_NAME = 80;

interface WorkspaceDialogProps {
  organizationId: string;
  question: WorkspaceQuestion;
  onClose: () => void;
}

/** Make, rename or delete a workspace. */
export function WorkspaceDialog({ organizationId, question, onClose }: WorkspaceDialogProps) {
  const remove = useChange(organizationId, (id: string, place) =>
    call('DELETE', '/organizations/{organization_id}/workspaces/{workspace_id}', { params: { path: { ...place, workspace_id: id } } }),
  );
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
  return question.kind === 'rename' ? (
    <RenameDialog organizationId={organizationId} workspace={question.workspace} onClose={onClose} />
  ) : (
    <NewDialog organizationId={organizationId} onClose={onClose} />
  );
}

function NewDialog({ organizationId, onClose }: { organizationId: string; onClose: () => void }) {
  const make = useChange(organizationId, (name: string, path) =>
    call('POST', '/organizations/{organization_id}/workspaces', { params: { path }, body: { name } }),
  );
  return (
    <NameDialog
      title="New workspace"
      verb="Make workspace"
      initial=""
      isBusy={make.isPending}
      error={make.error}
      onName={(name) => make.mutate(name, { onSuccess: onClose })}
      onClose={onClose}
    />
  );
}

function RenameDialog({ organizationId, workspace, onClose }: { organizationId: string; workspace: Workspace; onClose: () => void }) {
  const [seen, setSeen] = useState(workspace);
  const rename = useWorkspaceEdit(organizationId, workspace.id);
  return (
    <NameDialog
      title={`Rename ${workspace.name}`}
      verb="Rename"
      initial={workspace.name}
      isBusy={rename.isPending}
      error={rename.error}
      onName={(name) =>
        rename.mutate({ seen, changes: { name } }, { onSuccess: onClose, onError: (error) => setSeen(newerOf<Workspace>(error)?.now ?? seen) })
      }
      onClose={onClose}
    />
  );
}

interface NameDialogProps {
  title: string;
  verb: string;
  initial: string;
  isBusy: boolean;
  error: Error | null;
  onName: (name: string) => void;
  onClose: () => void;
}

function NameDialog({ title, verb, initial, isBusy, error, onName, onClose }: NameDialogProps) {
  const [name, setName] = useState(initial);
  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={title}
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button look="primary" disabled={name.trim() === ''} isBusy={isBusy} onClick={() => onName(name.trim())} data-testid="workspace-save">
            {verb}
          </Button>
        </>
      }
    >
      <div className="grid gap-2">
        <TextField
          label="Name"
          autoFocus
          maxLength={MAX_NAME}
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-testid="workspace-name"
        />
        {error && (
          <EditProblem<Workspace>
            error={error}
            sentence={sentenceOf(error, 'It was not saved. Try again in a moment.')}
            words={{ name: { label: 'Name', say: (now) => now.name } }}
          />
        )}
      </div>
    </Dialog>
  );
}
