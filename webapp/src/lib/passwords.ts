/** Characters the issuer asks for at least. */
export const MIN_PASSWORD = 8;
