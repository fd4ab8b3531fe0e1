/** What of `RTCRtpSender` is needed here. */
export type EncodingSender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>;

/**
 * Encode only what somebody watches.
 *
 * @param highest the highest layer that is wanted, from 0; null: none at all. A layer that starts again begins with a key frame.
 */
export async function limitEncodings(sender: EncodingSender, highest: number | null): Promise<void> {
  const parameters = sender.getParameters();
  const wanted = parameters.encodings.map((_, layer) => highest !== null && layer <= highest);
  if (parameters.encodings.every(({ active }, layer) => active === wanted[layer])) return;
  const encodings = parameters.encodings.map((encoding, layer) => ({ ...encoding, active: wanted[layer] ?? true }));
  await sender.setParameters({ ...parameters, encodings });
}

/** What to give up first when there are not bits enough. */
export async function prefer(sender: EncodingSender, degradationPreference: RTCDegradationPreference): Promise<void> {
  try {
    await sender.setParameters({ ...sender.getParameters(), degradationPreference });
  } catch {
    // Not every browser knows it; the content hint asks for the same.
  }
}
