import type { IceServer, Role } from './generated/signaling';

/** The REST API's shapes. Written by hand until the OpenAPI document can be made without a server. */
export interface Organization {
  id: string;
  name: string;
  slug: string;
}

export interface Membership {
  organization: Organization;
  role: Role;
}

export interface Me {
  user: { id: string; email: string; displayName: string };
  memberships: Membership[];
}

export interface LiveSession {
  id: string;
  startedAt: string;
  watching: number;
}

export interface Room {
  id: string;
  organizationId: string;
  workspaceId: string;
  name: string;
  slug: string;
  state: 'idle' | 'live';
  liveSession: LiveSession | null;
  lastSeq: number;
  createdAt: string;
}

export interface Page<T> {
  items: T[];
  nextCursor?: string | null;
}

export interface JoinAnswer {
  participantId: string;
  liveSessionId: string;
  roomId: string;
  signalingUrl: string;
  token: string;
  iceServers: IceServer[];
  rtpCapabilities: unknown;
}

export interface Member {
  userId: string;
  displayName: string;
  email: string;
  role: Role;
}

export interface Invitation {
  code: string;
}
