import type { Factor } from '@supabase/auth-js';
import { useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { auth } from '@/api/auth';

const accountKey = ['account'] as const;

/** The account behind the session, as the issuer knows it now. */
export function useAccount() {
  return useQuery({
    queryKey: accountKey,
    queryFn: async () => {
      const { data, error } = await auth.getUser();
      if (error) throw error;
      return data.user;
    },
  });
}

/** Authenticators that were set up; those begun and left are not listed. */
export function useFactors(): UseQueryResult<Factor[]> {
  return useQuery({
    queryKey: [...accountKey, 'factors'],
    queryFn: async () => {
      const { data, error } = await auth.mfa.listFactors();
      if (error) throw error;
      return data.totp;
    },
  });
}

/** The set of recovery codes, never the codes. */
export interface RecoveryStatus {
  total: number;
  remaining: number;
}

/** How many recovery codes are left; null: no set was made. */
export function useRecoveryStatus(isAsked: boolean): UseQueryResult<RecoveryStatus | null> {
  return useQuery({
    queryKey: [...accountKey, 'recovery-codes'],
    enabled: isAsked,
    retry: false,
    queryFn: async () => {
      const { data, error } = await auth.mfa.recoveryCodes.getStatus();
      if (error?.code === 'mfa_factor_not_found') return null;
      if (error) throw error;
      return { total: data.total, remaining: data.remaining };
    },
  });
}

/** Make a set of recovery codes in the place of the one before; answers the codes, once. */
export function useNewRecoveryCodes(): UseMutationResult<string[], Error, boolean> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (isFirst: boolean) => {
      const api = auth.mfa.recoveryCodes;
      const { data, error } = isFirst ? await api.generate() : await api.regenerate();
      if (error) throw error;
      return data.codes;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: accountKey }),
  });
}

/** Change something of the account, and read it anew. */
export function useAccountChange<T>(change: (value: T) => Promise<{ error: Error | null }>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (value: T) => {
      const { error } = await change(value);
      if (error) throw error;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: accountKey }),
  });
}
