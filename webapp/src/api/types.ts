import type { components } from './generated/rest';

/** Short names for the REST API's generated shapes. */
type Schemas = components['schemas'];

export type Role = Schemas['Role'];
export type Me = Schemas['MeView'];
/** An organization of the caller's, with their role in it. */
export type Organization = Schemas['OrganizationView'];
export type Member = Schemas['MemberView'];
export type MemberList = Schemas['MemberList'];
export type Room = Schemas['RoomView'];
/** Members with a role of their own in a room. */
export type RoomRoleList = Schemas['RoomRoleList'];
export type RoomList = Schemas['RoomList'];
export type PlanList = Schemas['PlanList'];
export type FeedPage = Schemas['FeedPage'];
export type JoinAnswer = Schemas['JoinView'];
export type NewInvitation = Schemas['InvitationWithCode'];
/** Who a visitor of a demo may sign in as. */
export type Demo = Schemas['DemoView'];
export type DemoPerson = Schemas['DemoPersonView'];
export type AcceptedInvitation = Schemas['AcceptedInvitation'];
/** A page of a list; nextCursor: null when there is no more. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
export type Workspace = Schemas['WorkspaceView'];
export type Invitation = Schemas['InvitationView'];
export type OwnInvitation = Schemas['OwnInvitationView'];
export type Usage = Schemas['UsageView'];
export type PermissionTable = Schemas['PermissionTable'];
export type ApiToken = Schemas['ApiTokenView'];
export type ApiTokenWithText = Schemas['ApiTokenWithText'];
/** An identity provider of an organization, without its secret. */
export type SsoConnection = Schemas['SsoConnectionView'];
export type SsoConnectionList = Schemas['SsoConnectionList'];
/** Somebody who is linked to one. */
export type SsoPerson = Schemas['SsoPersonView'];
export type SsoDomain = Schemas['SsoDomainView'];
export type SsoDomainList = Schemas['SsoDomainList'];
export type AuditEntry = Schemas['AuditEntryView'];
export type Webhook = Schemas['WebhookView'];
export type WebhookWithSecret = Schemas['WebhookWithSecret'];
export type WebhookDelivery = Schemas['DeliveryView'];
/** Names one may ask for: events of webhooks, abilities of tokens. */
export type Catalogue = Schemas['Catalogue'];
// What is sent to change one: fields that are left out stay as they are.
export type OrganizationChange = Schemas['OrganizationChange'];
export type RoomChange = Schemas['RoomChange'];
export type MemberChange = Schemas['MemberChange'];
export type WebhookChanges = Schemas['WebhookChanges'];
export type SsoConnectionChanges = Schemas['SsoConnectionChanges'];
// What is sent to make one.
export type NewApiToken = Schemas['NewApiToken'];
export type NewWebhook = Schemas['NewWebhook'];
export type NewSsoConnection = Schemas['NewSsoConnection'];
