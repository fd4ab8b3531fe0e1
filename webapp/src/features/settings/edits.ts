import { call, readTagged } from '@/api/client';
import type { MemberChange, OrganizationChange, RoomChange, SsoConnectionChanges, WebhookChanges } from '@/api/types';
import { useEdit } from './api';

/** Edits of what several people may have open at once (`useEdit`), one for each kind of thing. */
export function useOrganizationEdit(organizationId: string) {
  return useEdit(
    organizationId,
    (path) => readTagged('/organizations/{organization_id}', { params: { path } }),
    (body: OrganizationChange, header, path) => call('PATCH', '/organizations/{organization_id}', { params: { path, header }, body }),
  );
}

export function useRoomEdit(organizationId: string, roomId: string) {
  const address = '/organizations/{organization_id}/rooms/{room_id}';
  return useEdit(
    organizationId,
    (place) => readTagged(address, { params: { path: { ...place, room_id: roomId } } }),
    (body: RoomChange, header, place) => call('PATCH', address, { params: { path: { ...place, room_id: roomId }, header }, body }),
  );
}

export function useWorkspaceEdit(organizationId: string, workspaceId: string) {
  const address = '/organizations/{organization_id}/workspaces/{workspace_id}';
  return useEdit(
    organizationId,
    (place) => readTagged(address, { params: { path: { ...place, workspace_id: workspaceId } } }),
    (body: { name: string }, header, place) => call('PATCH', address, { params: { path: { ...place, workspace_id: workspaceId }, header }, body }),
  );
}

export function useMemberEdit(organizationId: string, userId: string) {
  const address = '/organizations/{organization_id}/members/{user_id}';
  return useEdit(
    organizationId,
    (place) => readTagged(address, { params: { path: { ...place, user_id: userId } } }),
    (body: MemberChange, header, place) => call('PATCH', address, { params: { path: { ...place, user_id: userId }, header }, body }),
  );
}

export function useWebhookEdit(organizationId: string, webhookId: string) {
  const address = '/organizations/{organization_id}/webhooks/{webhook_id}';
  return useEdit(
    organizationId,
    (place) => readTagged(address, { params: { path: { ...place, webhook_id: webhookId } } }),
    (body: WebhookChanges, header, place) => call('PATCH', address, { params: { path: { ...place, webhook_id: webhookId }, header }, body }),
  );
}

export function useConnectionEdit(organizationId: string, connectionId: string) {
  const address = '/organizations/{organization_id}/sso/connections/{connection_id}';
  return useEdit(
    organizationId,
    (place) => readTagged(address, { params: { path: { ...place, connection_id: connectionId } } }),
    (body: SsoConnectionChanges, header, place) => call('PATCH', address, { params: { path: { ...place, connection_id: connectionId }, header }, body }),
  );
}
