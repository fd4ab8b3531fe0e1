import { useState } from 'react';
import { changesOf, newerOf } from '@/api/edit';
import type { Room, RoomChange, Workspace } from '@/api/types';
import { momentOf } from '@/lib/dates';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { Dialog } from '@/ui/dialog';
import { SelectField } from '@/ui/select-field';
import { TextField } from '@/ui/text-field';
import { EditProblem, type FieldWords } from './edit-problem';
import { useRoomEdit } from './edits';

const MAX_NAME = 80;
const MAX_TEXT = 500;
const CHAT_OPTIONS = [
  { value: 'everyone', label: 'Everyone in the room' },
  { value: 'speakers', label: 'Those who may present' },
  { value: 'moderators', label: 'Moderators and up' },
];

interface RoomDialogProps {
  organizationId: string;
  room: Room;
  workspaces: Workspace[];
  onClose: () => void;
}

/** A room's settings: what it is called and about, when it goes on, who may write. */
export function RoomDialog({ organizationId, room, workspaces, onClose }: RoomDialogProps) {
  const [name, setName] = useState(room.name);
  const [description, setDescription] = useState(room.description);
  const [waitingText, setWaitingText] = useState(room.waitingText);
  const [whoMayChat, setWhoMayChat] = useState(room.whoMayChat);
  const [workspaceId, setWorkspaceId] = useState(room.workspaceId);
  const [next, setNext] = useState(localText(room.nextSessionAt));
  // What the person has before them: the room as they opened it, or as another made it meanwhile.
  const [seen, setSeen] = useState(room);
  // What they changed is told by what they began with: a field they left alone is not theirs to set back.
  const [opened] = useState(room);
  const save = useRoomEdit(organizationId, room.id);

  function submit(): void {
    const nextSessionAt = next === '' ? null : new Date(next).toISOString();
    const timeZone = nextSessionAt === null ? null : Intl.DateTimeFormat().resolvedOptions().timeZone;
    const draft: RoomChange = { name: name.trim(), description: description.trim(), waitingText: waitingText.trim(), whoMayChat, workspaceId };
    const time: RoomChange = next === localText(opened.nextSessionAt) ? {} : { nextSessionAt, timeZone };
    const changes = { ...changesOf(opened, draft), ...time };
    if (Object.keys(changes).length === 0) onClose();
    else save.mutate({ seen, changes }, { onSuccess: onClose, onError: (error) => setSeen(newerOf<Room>(error)?.now ?? seen) });
  }

  return (
    <Dialog
      isOpen
      onOpenChange={onClose}
      title={room.name}
      footer={
        <>
          <Button look="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button look="primary" disabled={name.trim() === ''} isBusy={save.isPending} onClick={submit} data-testid="room-save">
            Save
          </Button>
        </>
      }
    >
      <div className="grid gap-3.5">
        <TextField
          label="Name"
          maxLength={MAX_NAME}
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-testid="room-name"
        />
        <TextField
          label="What it is about"
          maxLength={MAX_TEXT}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
          data-testid="room-description"
        />
        <TextField
          label="Shown at the door while nothing is live"
          maxLength={MAX_TEXT}
          value={waitingText}
          onChange={(event) => setWaitingText(event.target.value)}
        />
        <div className="grid gap-3.5 sm:grid-cols-2">
          <TextField
            label="Next session"
            type="datetime-local"
            hint="In your time zone."
            value={next}
            onChange={(event) => setNext(event.target.value)}
          />
          <SelectField
            label="Who may chat"
            value={whoMayChat}
            options={CHAT_OPTIONS}
            onChange={(event) => setWhoMayChat(event.target.value as Room['whoMayChat'])}
          />
        </div>
        {workspaces.length > 1 && (
          <SelectField
            label="Workspace"
            value={workspaceId}
            options={workspaces.map((workspace) => ({ value: workspace.id, label: workspace.name }))}
            onChange={(event) => setWorkspaceId(event.target.value)}
          />
        )}
        {save.error && (
          <EditProblem error={save.error} sentence={sentenceOf(save.error, 'Nothing was saved. Try again in a moment.')} words={wordsOf(workspaces)} />
        )}
      </div>
    </Dialog>
  );
}

function wordsOf(workspaces: Workspace[]): FieldWords<Room> {
  return {
    name: { label: 'Name', say: (now) => now.name },
    description: { label: 'What it is about', say: (now) => now.description },
    waitingText: { label: 'Shown at the door', say: (now) => now.waitingText },
    nextSessionAt: { label: 'Next session', say: (now) => (now.nextSessionAt === null ? 'none' : momentOf(now.nextSessionAt)) },
    whoMayChat: { label: 'Who may chat', say: (now) => CHAT_OPTIONS.find(({ value }) => value === now.whoMayChat)?.label ?? now.whoMayChat },
    workspaceId: { label: 'Workspace', say: (now) => workspaces.find(({ id }) => id === now.workspaceId)?.name ?? 'another' },
  };
}

/** What <input type="datetime-local"> takes, in the reader's zone. */
function localText(moment: string | null): string {
  if (moment === null) return '';
  const at = new Date(moment);
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
