import { ArchiveIcon, PlusIcon } from '@phosphor-icons/react';
import { useState } from 'react';
import type { Room, Workspace } from '@/api/types';
import { sentenceOf } from '@/lib/errors';
import { Button } from '@/ui/button';
import { LoadMore } from '@/ui/load-more';
import { Loaded } from '@/ui/query-state';
import { Panel } from '@/ui/states';
import { rowsOf, usePages, useWorkspaces } from './api';
import { RoomDialog } from './room-dialog';
import { RoomRows } from './room-rows';
import { WorkspaceDialog, type WorkspaceQuestion } from './workspace-dialog';

/** Workspaces, the rooms in them, and rooms put away. */
export function WorkspacesPage({ organizationId }: { organizationId: string }) {
  const workspaces = useWorkspaces(organizationId);
  const rooms = usePages(organizationId, 'rooms', { limit: 200 });
  const archived = usePages(organizationId, 'rooms', { isArchived: true });
  const [question, setQuestion] = useState<WorkspaceQuestion | null>(null);
  const [editing, setEditing] = useState<Room | null>(null);
  const all = rowsOf(workspaces);
  const inUse = rowsOf(rooms);
  const away = rowsOf(archived);
  return (
    <div className="grid gap-3">
      <div className="flex items-center justify-between gap-3">
        <p className="text-ink-2">A workspace groups rooms: one a desk, a market or a team.</p>
        <Button onClick={() => setQuestion({ kind: 'new' })} data-testid="workspace-new">
          <PlusIcon size={16} /> New workspace
        </Button>
      </div>
      <Loaded query={workspaces} failed="Workspaces did not load" sentence={(error) => sentenceOf(error, 'Rooms are not affected.')}>
        {() => (
          <Loaded query={rooms} failed="Rooms did not load" sentence={(error) => sentenceOf(error, 'What is live goes on.')}>
            {() =>
              all.map((workspace) => (
                <WorkspacePanel
                  key={workspace.id}
                  workspace={workspace}
                  rooms={inUse.filter(({ workspaceId }) => workspaceId === workspace.id)}
                  canDelete={all.length > 1}
                  onAsk={setQuestion}
                  onEdit={setEditing}
                />
              ))
            }
          </Loaded>
        )}
      </Loaded>
      <LoadMore query={workspaces} />
      <LoadMore query={rooms} />
      {away.length > 0 && (
        <Panel title="Archived rooms" count={away.length} actions={<ArchiveIcon size={16} className="mr-1.5 text-ink-3" />}>
          <RoomRows organizationId={organizationId} rooms={away} onEdit={setEditing} />
          <LoadMore query={archived} />
        </Panel>
      )}
      {question && <WorkspaceDialog organizationId={organizationId} question={question} onClose={() => setQuestion(null)} />}
      {editing && (
        <RoomDialog organizationId={organizationId} room={editing} workspaces={all} onClose={() => setEditing(null)} />
      )}
    </div>
  );
}

interface WorkspacePanelProps {
  workspace: Workspace;
  rooms: Room[];
  canDelete: boolean;
  onAsk: (question: WorkspaceQuestion) => void;
  onEdit: (room: Room) => void;
}

function WorkspacePanel({ workspace, rooms, canDelete, onAsk, onEdit }: WorkspacePanelProps) {
  return (
    <Panel
      title={workspace.name}
      count={rooms.length}
      actions={
        <>
          <Button size="sm" look="quiet" onClick={() => onAsk({ kind: 'rename', workspace })}>
            Rename
          </Button>
          {canDelete && rooms.length === 0 && (
            <Button size="sm" look="quiet" onClick={() => onAsk({ kind: 'delete', workspace })}>
              Delete
            </Button>
          )}
        </>
      }
    >
      {rooms.length === 0 ? (
        <p className="px-3.5 py-3 text-ink-2">No rooms here. New ones are made under Rooms, and moved by their settings.</p>
      ) : (
        <RoomRows organizationId={workspace.organizationId} rooms={rooms} onEdit={onEdit} />
      )}
    </Panel>
  );
}
