// Runs npm's @supabase/supabase-js, unmodified, through a single sign-on:
// node supabase_sso.mjs <node_modules' folder> <address> <mail domain> <connection> <login>
// What a browser does between the client and its page is done here by following redirects with cookies.
// Prints one JSON object: what each call came to.
import { createRequire } from "node:module";

const [, , webapp, url, domain, providerId, login] = process.argv;
const { createClient } = createRequire(`${webapp}/package.json`)("@supabase/supabase-js");
const memory = () => {
  const kept = new Map();
  return { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => void kept.set(k, v), removeItem: (k) => void kept.delete(k) };
};
const client = (more = {}) =>
  createClient(url, "any-anon-key", { auth: { autoRefreshToken: false, detectSessionInUrl: false, storage: memory(), ...more } });
const redirectTo = `${url}/sign-in/callback`;

/** A browser: cookies by host, redirects followed one by one, the provider's forms filled in; ends at our page. */
async function browse(start) {
  const jars = new Map();
  let next = { to: new URL(start), form: null };
  for (let steps = 0; steps < 30; steps++) {
    const { to, form } = next;
    if (`${to.origin}${to.pathname}` === redirectTo) return to;
    const jar = jars.get(to.host) ?? jars.set(to.host, new Map()).get(to.host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const options = form ? { method: "POST", body: new URLSearchParams(form) } : {};
    const answer = await fetch(to, { ...options, redirect: "manual", headers: { cookie } });
    for (const one of answer.headers.getSetCookie()) {
      const [name, ...value] = one.split(";")[0].split("=");
      jar.set(name, value.join("="));
    }
    const location = answer.headers.get("location");
    if (location) {
      next = { to: new URL(location, to), form: null };
      continue;
    }
    const page = await answer.text();
    const action = page.match(/<form[^>]*action="([^"]+)"/)?.[1];
    if (!action) throw new Error(`${answer.status} at ${to}: ${page.slice(0, 500)}`);
    const fields = Object.fromEntries([...page.matchAll(/<input[^>]*name="([^"]+)"(?:[^>]*value="([^"]*)")?/g)].map((m) => [m[1], m[2] ?? ""]));
    if ("login" in fields) Object.assign(fields, { login, password: "any" });
    next = { to: new URL(action, to), form: fields };
  }
  throw new Error("no way back to the page");
}
const me = async (session) =>
  (await fetch(`${url}/api/v1/me`, { headers: { Authorization: `Bearer ${session.access_token}` } })).status;
const found = {};

// PKCE, by the mail domain.
const pkce = client({ flowType: "pkce" });
const begun = await pkce.auth.signInWithSSO({ domain, options: { redirectTo } });
found.begin = begun.error?.code ?? new URL(begun.data.url).pathname;
const back = await browse(begun.data.url);
const changed = await pkce.auth.exchangeCodeForSession(back.searchParams.get("code"));
found.pkce = changed.error?.code ?? changed.data.user.email === login;
found.method = (await pkce.auth.getClaims()).data.claims.amr.map((one) => [one.method, one.provider === providerId]);
found.me = await me(changed.data.session);
found.refresh = (await pkce.auth.refreshSession()).error?.code ?? "session";
found.codeTwice = (await client({ flowType: "pkce" }).auth.exchangeCodeForSession(back.searchParams.get("code"))).error?.name;

// Implicit, by the connection.
const implicit = client({ flowType: "implicit" });
const second = await implicit.auth.signInWithSSO({ providerId, options: { redirectTo } });
const said = new URLSearchParams((await browse(second.data.url)).hash.slice(1));
const set = await implicit.auth.setSession({ access_token: said.get("access_token"), refresh_token: said.get("refresh_token") });
found.implicit = set.error?.code ?? set.data.user.id === changed.data.user.id;

// Nobody's domain.
found.unknown = (await client().auth.signInWithSSO({ domain: "nobody.example" })).error?.code;
await pkce.auth.signOut({ scope: "global" });
found.signedOut = await me(changed.data.session);
console.log(JSON.stringify(found));
