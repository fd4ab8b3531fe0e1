// Runs npm's @supabase/supabase-js, unmodified, against our stack: node supabase_js.mjs <node_modules' folder> <address> <service key>
// Prints one JSON object: what each call came to.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";

const [, , webapp, url, serviceKey] = process.argv;
const { createClient } = createRequire(`${webapp}/package.json`)("@supabase/supabase-js");
const memory = () => {
  const kept = new Map();
  return { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => void kept.set(k, v), removeItem: (k) => void kept.delete(k) };
};
const client = (more = {}) =>
  createClient(url, "any-anon-key", { auth: { autoRefreshToken: false, detectSessionInUrl: false, storage: memory(), ...more } });
const admin = createClient(url, serviceKey, { auth: { autoRefreshToken: false, persistSession: false } }).auth.admin;
const outcome = ({ data, error }) => (error ? (error.code ?? error.name) : data?.session ? "session" : "ok");
const newEmail = () => `${crypto.randomUUID()}@example.com`;
const password = "correct horse battery";

// The newest letter, once there is one; but: a link's token, of a letter that was read already.
async function mail(to, subject, but = null) {
  for (let tries = 0; tries < 400; tries++) {
    const { letters } = await (await fetch(`${url}/dev/mailbox?to=${encodeURIComponent(to)}`)).json();
    let letter = letters.find((one) => one.subject.includes(subject));
    if (but !== null && letter?.text.includes(but)) letter = undefined;
    if (letter) {
      const link = letter.text.match(/https?:\S+/)?.[0];
      return { link, token: link && new URL(link).searchParams.get("token"), code: letter.text.match(/\b\d{6}\b/)?.[0] };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no mail ${subject} to ${to}`);
}
const follow = async (link) => new URL((await fetch(link, { redirect: "manual" })).headers.get("location"));
function totp(secret, step) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((sign) => alphabet.indexOf(sign).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", key).update(counter).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
}
const claims = async (supabase) => (await supabase.auth.getClaims()).data.claims;
const me = async (supabase) => {
  const { data } = await supabase.auth.getSession();
  return (await fetch(`${url}/api/v1/me`, { headers: { Authorization: `Bearer ${data.session.access_token}` } })).status;
};
const found = {};

// Sign up, confirm, sign in, stay signed in.
const email = newEmail();
const here = client();
found.signUp = outcome(await here.auth.signUp({ email, password, options: { data: { display_name: "Ada" } } }));
found.beforeConfirming = await (async () => {
  await mail(email, "Confirm your e-mail");
  return outcome(await here.auth.signInWithPassword({ email, password }));
})();
const confirming = await mail(email, "Confirm your e-mail");
found.confirm = outcome(await here.auth.verifyOtp({ type: "signup", token_hash: confirming.token }));
found.confirmTwice = outcome(await client().auth.verifyOtp({ type: "signup", token_hash: confirming.token }));
found.signUpAgain = outcome(await client().auth.signUp({ email, password }));
found.signIn = outcome(await here.auth.signInWithPassword({ email, password }));
found.wrongPassword = outcome(await client().auth.signInWithPassword({ email, password: "wrong password" }));
found.weakPassword = outcome(await client().auth.signUp({ email: newEmail(), password: "1" }));
found.refresh = outcome(await here.auth.refreshSession());
found.claims = (({ aud, role, aal, email: said }) => [aud, role, aal, said === email])(await claims(here));
found.me = await me(here);

// Two-step sign-in.
const begun = await here.auth.mfa.enroll({ factorType: "totp", friendlyName: "phone" });
if (begun.error) throw begun.error;
const enrolled = begun.data;
found.qrCode = enrolled.totp.qr_code.startsWith("data:image/svg+xml;utf-8,<svg") && !enrolled.totp.qr_code.includes("#");
found.uri = enrolled.totp.uri.startsWith("otpauth://totp/") && enrolled.totp.uri.includes(`secret=${enrolled.totp.secret}`);
const step = () => Math.floor(Date.now() / 30000);
const wrong = totp(enrolled.totp.secret, step() - 1000);
const first = totp(enrolled.totp.secret, step() - 1);
found.wrongCode = outcome(await here.auth.mfa.challengeAndVerify({ factorId: enrolled.id, code: wrong }));
const taken = await here.auth.mfa.challengeAndVerify({ factorId: enrolled.id, code: first });
found.enrol = taken.error?.code ?? "ok";
found.assurance = (await here.auth.mfa.getAuthenticatorAssuranceLevel()).data.currentLevel;
found.amr = (await claims(here)).amr.map((one) => one.method).sort();
found.factors = (await here.auth.mfa.listFactors()).data.totp.map((one) => one.status);
const there = client();
await there.auth.signInWithPassword({ email, password });
found.levels = (({ currentLevel, nextLevel }) => [currentLevel, nextLevel])((await there.auth.mfa.getAuthenticatorAssuranceLevel()).data);
found.apiWithoutSecondFactor = await me(there);
const replayed = await there.auth.mfa.challengeAndVerify({ factorId: enrolled.id, code: first });
found.replayedCode = replayed.error?.code ?? "ok";
await there.auth.mfa.challengeAndVerify({ factorId: enrolled.id, code: totp(enrolled.totp.secret, step()) });
found.apiWithSecondFactor = await me(there);
await there.auth.refreshSession();
found.unenrol = outcome(await here.auth.mfa.unenroll({ factorId: enrolled.id }));

await Promise.all([here.auth.refreshSession(), there.auth.refreshSession()]);
found.levelsWithoutFactor = [(await claims(here)).aal, (await claims(there)).aal];

// Magic links and digits, for a known person and for a new one.
await client().auth.signInWithOtp({ email });
const magic = await mail(email, "sign-in link");
const byDigits = client();
const wrongDigits = magic.code === "000000" ? "000001" : "000000";
found.wrongDigits = outcome(await byDigits.auth.verifyOtp({ type: "email", email, token: wrongDigits }));
found.digits = outcome(await byDigits.auth.verifyOtp({ type: "email", email, token: magic.code }));
const newcomer = newEmail();
found.otp = outcome(await client().auth.signInWithOtp({ email: newcomer }));
const landed = await follow((await mail(newcomer, "Confirm your e-mail")).link);
const fragment = new URLSearchParams(landed.hash.slice(1));
found.link = [landed.origin === url, fragment.get("type")];
const implicit = client();
found.setSession = outcome(
  await implicit.auth.setSession({ access_token: fragment.get("access_token"), refresh_token: fragment.get("refresh_token") }),
);
found.strangerOtp = outcome(await client().auth.signInWithOtp({ email: newEmail(), options: { shouldCreateUser: false } }));

// PKCE.
const pkce = client({ flowType: "pkce" });
await pkce.auth.signInWithOtp({ email: newcomer });
const code = (await follow((await mail(newcomer, "sign-in link")).link)).searchParams.get("code");
found.pkce = outcome(await pkce.auth.exchangeCodeForSession(code));

// Recovery.
await client().auth.resetPasswordForEmail(email);
const recovering = client();
found.recovery = outcome(await recovering.auth.verifyOtp({ type: "recovery", token_hash: (await mail(email, "new password")).token }));
found.samePassword = outcome(await recovering.auth.updateUser({ password }));
found.newPassword = outcome(await recovering.auth.updateUser({ password: "another password" }));
found.oldPassword = outcome(await client().auth.signInWithPassword({ email, password }));
found.othersAfterNewPassword = outcome(await here.auth.getUser());

// Update: data, and an address that both mailboxes confirm.
found.data = (await recovering.auth.updateUser({ data: { theme: "dark" } })).data.user.user_metadata;
const moved = newEmail();
found.newEmail = (await recovering.auth.updateUser({ email: moved })).data.user.new_email === moved;
const half = await recovering.auth.verifyOtp({ type: "email_change", token_hash: (await mail(email, "change of your")).token });
found.halfway = [half.error, half.data.session];
await recovering.auth.verifyOtp({ type: "email_change", token_hash: (await mail(moved, "new e-mail")).token });
found.moved = (await recovering.auth.getUser()).data.user.email === moved;
await recovering.auth.reauthenticate();
const nonce = (await mail(moved, "confirmation code")).code;
found.badNonce = outcome(await recovering.auth.updateUser({ password: "third password", nonce: nonce === "000000" ? "000001" : "000000" }));
found.nonce = outcome(await recovering.auth.updateUser({ password: "third password", nonce }));

// Signing out, each scope.
const again = async () => {
  const one = client();
  await one.auth.signInWithPassword({ email: moved, password: "third password" });
  return one;
};
const [one, two, three] = [await again(), await again(), await again()];
found.signOutOthers = [outcome(await one.auth.signOut({ scope: "others" })), await me(one), await me(two)];
const four = await again();
const token = (await four.auth.getSession()).data.session.access_token;
found.signOutLocal = [outcome(await four.auth.signOut({ scope: "local" })), await me(one)];
found.signedOutToken = (await fetch(`${url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } })).status;
await three.auth.signInWithPassword({ email: moved, password: "third password" });
found.signOutGlobal = [outcome(await one.auth.signOut()), outcome(await three.auth.getUser())];

// Admin.
const made = await admin.createUser({ email: newEmail(), password, email_confirm: true, user_metadata: { a: 1 }, app_metadata: { plan: "x" } });
found.adminCreate = [made.error, made.data.user.app_metadata.plan];
const id = made.data.user.id;
found.adminGet = (await admin.getUserById(id)).data.user.user_metadata;
const listed = await admin.listUsers({ page: 1, perPage: 2 });
found.adminList = [listed.data.users.length, listed.data.total >= 3, listed.data.nextPage];
found.adminUpdate = (await admin.updateUserById(id, { ban_duration: "1h" })).error;
found.banned = outcome(await client().auth.signInWithPassword({ email: made.data.user.email, password }));
await admin.updateUserById(id, { ban_duration: "none" });
const link = await admin.generateLink({ type: "magiclink", email: made.data.user.email });
found.generateLink = [link.error, link.data.properties.verification_type];
const linked = client();
found.generatedLink = outcome(await linked.auth.verifyOtp({ type: "magiclink", token_hash: link.data.properties.hashed_token }));
found.adminFactors = (await admin.mfa.listFactors({ userId: id })).data;
const invited = newEmail();
found.invite = (await admin.inviteUserByEmail(invited)).error;
const lost = (await mail(invited, "invited")).token;
found.inviteAgain = (await admin.inviteUserByEmail(invited)).error;
found.lostInvitation = outcome(await client().auth.verifyOtp({ type: "invite", token_hash: lost }));
found.accepted = outcome(await client().auth.verifyOtp({ type: "invite", token_hash: (await mail(invited, "invited", lost)).token }));
found.inviteThere = outcome(await admin.inviteUserByEmail(invited));
found.softDelete = [outcome(await admin.deleteUser(id, true)), outcome(await admin.getUserById(id))];
found.adminPhone = outcome(await admin.updateUserById(id, { phone: "+491701234567" }));
found.adminDelete = (await admin.deleteUser(id)).error;
found.deleted = outcome(await admin.getUserById(id));
found.deletedPerson = outcome(await linked.auth.getUser());
const stranger = createClient(url, "no-service-key", { auth: { persistSession: false } });
found.notAdmin = outcome(await stranger.auth.admin.listUsers());

// What is not offered is told by GoTrue's words.
const told = ({ error }) => [error?.status, error?.code];
const phone = "+491701234567";
const person = client();
const [personally, personEmail] = [client(), newEmail()];
await admin.createUser({ email: personEmail, password, email_confirm: true });
await personally.auth.signInWithPassword({ email: personEmail, password });
found.notOffered = {
  anonymous: told(await person.auth.signInAnonymously()),
  phoneSignUp: told(await person.auth.signUp({ phone, password })),
  phoneSignIn: told(await person.auth.signInWithPassword({ phone, password })),
  phoneOtp: told(await person.auth.signInWithOtp({ phone })),
  phoneVerify: told(await person.auth.verifyOtp({ phone, token: "123456", type: "sms" })),
  phoneResend: told(await person.auth.resend({ phone, type: "sms" })),
  idToken: told(await person.auth.signInWithIdToken({ provider: "google", token: "x" })),
  changePhone: told(await personally.auth.updateUser({ phone })),
  linking: told(await personally.auth.linkIdentity({ provider: "google", options: { skipBrowserRedirect: true } })),
  phoneFactor: told(await personally.auth.mfa.enroll({ factorType: "phone", phone, friendlyName: "phone" })),
  oauthClients: told(await admin.oauth.listClients()),
};
console.log(JSON.stringify(found));
