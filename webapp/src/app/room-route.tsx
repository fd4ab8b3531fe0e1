import { useCallback, useEffect, useState } from 'react';
import { useLocation, useNavigate, useParams } from 'react-router';
import { AlertsPanel } from '@/features/alerts/alerts-panel';
import { IdeasBoard } from '@/features/alerts/ideas-board';
import { ChatPanel } from '@/features/chat/chat-panel';
import { ChatPeek } from '@/features/chat/chat-peek';
import { RoomPage } from '@/features/live-room/room-page';
import type { RoomPanels } from '@/features/live-room/room-view';
import { may, organizationIn, useMe } from '@/features/organizations/api';
import type { RoomSession } from '@/realtime/room-session';
import { Waiting } from './waiting';

/** `/o/:organizationId/rooms/:roomId`: the room, with alerts and chat put into it. */
export function RoomRoute() {
  const { organizationId = '', roomId = '' } = useParams();
  const me = useMe();
  const navigate = useNavigate();
  const isEager = useEagerness();
  const makePanels = useCallback(
    (session: RoomSession): RoomPanels => ({
      alerts: (hasPeek) => <AlertsPanel session={session} peek={hasPeek ? <ChatPeek session={session} /> : null} />,
      chat: <ChatPanel session={session} />,
      board: <IdeasBoard session={session} />,
    }),
    [],
  );
  const organization = organizationIn(me.data, organizationId);
  // The door depends on the role: no guess before it is known.
  if (!me.data) return <Waiting error={me.error} onRetry={() => void me.refetch()} />;
  return (
    <RoomPage
      key={roomId}
      organizationId={organizationId}
      roomId={roomId}
      organizationName={organization?.name ?? ''}
      myName={me.data.displayName}
      canRun={may(organization?.role, 'session.run')}
      canPublish={may(organization?.role, 'media.publish')}
      makePanels={makePanels}
      isEager={isEager}
      onBack={() => void navigate(`/o/${organizationId}`)}
    />
  );
}

/** Whether whoever sent us here already asked to go in. Good once: coming back later stands at the door again. */
function useEagerness(): boolean {
  const state: unknown = useLocation().state;
  const navigate = useNavigate();
  const [isEager] = useState(() => typeof state === 'object' && state !== null && 'isEager' in state && state.isEager === true);
  useEffect(() => {
    if (isEager) void navigate('.', { replace: true, state: null });
  }, [isEager, navigate]);
  return isEager;
}
