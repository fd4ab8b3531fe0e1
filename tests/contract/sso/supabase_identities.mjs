// Runs npm's @supabase/supabase-js, unmodified, over a person's identities:
// node supabase_identities.mjs <node_modules' folder> <address> <access token> <refresh token> <access token> <refresh token>
// The first sign-in is of somebody with a password who is linked to a provider too, the second of whom a provider made.
// Prints one JSON object: what each call came to.
import { createRequire } from "node:module";

const [, , webapp, url, ...tokens] = process.argv;
const { createClient } = createRequire(`${webapp}/package.json`)("@supabase/supabase-js");
const signedIn = async (access_token, refresh_token) => {
  const client = createClient(url, "any-anon-key", { auth: { autoRefreshToken: false, detectSessionInUrl: false, persistSession: false } });
  const { error } = await client.auth.setSession({ access_token, refresh_token });
  if (error) throw error;
  return client.auth;
};
const outcome = ({ error }) => error?.code ?? "ok";
const kind = ({ provider }) => provider.split(":")[0];
const list = async (auth) => (await auth.getUserIdentities()).data.identities;
const found = {};

const linked = await signedIn(...tokens.slice(0, 2));
const [byMail, bySso] = await list(linked);
found.identities = [byMail, bySso].map(kind);
found.fields = ["id", "user_id", "identity_id", "identity_data", "created_at", "last_sign_in_at", "updated_at"].filter((name) => !(name in bySso));
found.email = bySso.identity_data.email === byMail.identity_data.email;
found.providers = (await linked.getUser()).data.user.app_metadata.providers.map((provider) => kind({ provider }));
found.unlinkAddress = outcome(await linked.unlinkIdentity(byMail));
found.unlink = outcome(await linked.unlinkIdentity(bySso));
found.unlinkTwice = outcome(await linked.unlinkIdentity(bySso));
found.after = (await list(linked)).map(kind);
found.stillIn = outcome(await linked.refreshSession());

const made = await signedIn(...tokens.slice(2));
const [only] = await list(made);
found.only = kind(only);
found.unlinkOnly = outcome(await made.unlinkIdentity(only));
console.log(JSON.stringify(found));
