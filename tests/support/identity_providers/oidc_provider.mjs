// A real OpenID provider (npm oidc-provider) with its own development pages of login and consent.
// Reads one JSON object from stdin: {port, clients, accounts, claimsInIdToken}; prints "ready" once it listens.
// Anybody signs in with any login and any password; `accounts` maps a login to claims that differ from the usual ones.
import { text } from "node:stream/consumers";

import { Provider } from "oidc-provider";

const { port, clients, accounts, claimsInIdToken } = JSON.parse(await text(process.stdin));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  conformIdTokenClaims: !claimsInIdToken,
  pkce: { required: () => true },
  cookies: { keys: ["a key of the tests"] },
  async findAccount(_context, login) {
    const claims = { sub: login, email: login, email_verified: true, name: login.split("@")[0], ...accounts[login] };
    // What a test sets to null is not told at all.
    for (const [name, value] of Object.entries(claims)) if (value === null) delete claims[name];
    return { accountId: login, claims: async () => claims };
  },
});
// A connection's redirect URI is known once it is saved: what is under a registered one will do here.
provider.Client.prototype.redirectUriAllowed = function (uri) {
  return this.redirectUris.some((known) => uri === known || uri.startsWith(`${known}/`));
};
provider.listen(port, "127.0.0.1", () => console.log("ready"));
