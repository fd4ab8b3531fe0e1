import type { Factor } from '@supabase/auth-js';
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
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
