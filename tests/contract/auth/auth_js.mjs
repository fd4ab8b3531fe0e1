// Runs npm's @supabase/auth-js, unmodified, against our issuer: node auth_js.mjs <node_modules' folder> <issuer's address>
// Prints one JSON object: what each call came to.
import { createRequire } from "node:module";

const [, , webapp, url] = process.argv;
const { AuthClient } = createRequire(`${webapp}/package.json`)("@supabase/auth-js");
const client = () => new AuthClient({ url, autoRefreshToken: false, persistSession: false });
const outcome = ({ data, error }) => (error ? (error.code ?? error.name) : data?.session ? "session" : "ok");

const email = `${crypto.randomUUID()}@example.com`;
const password = "correct horse battery";
const first = client();
const second = client();
const found = {};
found.signUp = outcome(await first.signUp({ email, password, options: { data: { display_name: "Ada" } } }));
found.signUpAgain = outcome(await client().signUp({ email, password }));
found.weakPassword = outcome(await client().signUp({ email: `x${email}`, password: "1" }));
found.wrongPassword = outcome(await client().signInWithPassword({ email, password: "wrong password" }));
found.signIn = outcome(await second.signInWithPassword({ email, password }));
found.refresh = outcome(await second.refreshSession());
found.name = (await second.getUser()).data.user.user_metadata.display_name;
found.theme = (await second.updateUser({ data: { theme: "dark" } })).data.user.user_metadata.theme;
found.algorithm = (await second.getClaims()).data.header.alg;
found.signOut = outcome(await second.signOut());
found.otherAfterGlobalSignOut = outcome(await first.getUser());
console.log(JSON.stringify(found));
