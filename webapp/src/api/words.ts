export const WORDS: Record<string, string> & { precondition_failed: string } = {
  precondition_failed: 'Somebody else changed this meanwhile. What is there now is shown; save again to replace it.',
};
