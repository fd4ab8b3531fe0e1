// A link of a mail that named no page of ours lands on the first one.
if (location.pathname === '/' && /[#&](access_token|error_code)=/.test(location.hash)) {
  history.replaceState(null, '', `/sign-in/callback${location.hash}`);
}
