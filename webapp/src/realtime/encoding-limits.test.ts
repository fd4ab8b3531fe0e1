import { describe, expect, it } from 'vitest';
import { limitEncodings } from './encoding-limits';

/** A sender of three layers that remembers what it was set to. */
function sender(...active: boolean[]) {
  let parameters = { transactionId: 't', encodings: active.map((one, index) => ({ active: one, rid: `r${index}` })) };
  const writes: boolean[][] = [];
  return {
    writes,
    getParameters: () => structuredClone(parameters) as RTCRtpSendParameters,
    setParameters: (next: RTCRtpSendParameters) => {
      parameters = next as unknown as typeof parameters;
      writes.push(parameters.encodings.map((one) => one.active));
      return Promise.resolve();
    },
  };
}

describe('limitEncodings', () => {
  it.each([
    [2, [true, true, true]],
    [1, [true, true, false]],
    [0, [true, false, false]],
    [null, [false, false, false]],
  ])('encodes up to layer %j', async (highest, expected) => {
    const camera = sender(false, true, false);

    await limitEncodings(camera, highest);

    expect(camera.writes).toEqual([expected]);
  });

  it('leaves an encoder alone that does what is wanted', async () => {
    const camera = sender(true, true, false);

    await limitEncodings(camera, 1);

    expect(camera.writes).toEqual([]);
  });
});
