import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '@/api/problem';
import { watchReach } from './use-reach';

const away = () => new ApiProblem('offline', 'Nothing answered.', 0);
const refusal = (status: number) => new ApiProblem('refused', 'As the server says it.', status);

/** What is told of a question that is answered so, asked again after all that is no refusal. */
async function toldOf(...errors: Error[]): Promise<boolean[]> {
  const client = new QueryClient();
  const told: boolean[] = [];
  const stop = watchReach(client, (isAnswered) => told.push(isAnswered));
  const queryFn = () => {
    const error = errors.shift();
    return error ? Promise.reject(error) : Promise.resolve('an answer');
  };
  const retry = (_: number, error: Error) => error instanceof ApiProblem && error.status === 0;
  await client.query({ queryKey: ['a'], queryFn, retry, retryDelay: 0, networkMode: 'always' }).catch(() => null);
  stop();
  return told;
}

describe('watchReach', () => {
  it('takes one lost request for nothing, two for a server that is away', async () => {
    expect(await toldOf(away())).toEqual([true]);
    expect(await toldOf(away(), away())).toEqual([false, true]);
  });

  it.each([403, 404])('takes a %d for an answer: the server is there again', async (status) => {
    expect(await toldOf(away(), away(), refusal(status))).toEqual([false, true]);
  });

  it('takes an error of our own for no news', async () => {
    expect(await toldOf(new Error('a mistake'))).toEqual([]);
  });
});
