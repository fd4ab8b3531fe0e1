"""Who may look across tenants: the files that call `db.platform()`, and no others (design.md 3.4).

A new one is a decision: it is added here, with its reason, and read twice.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints._files import REPOSITORY, list_files, read_lines, report

ALLOWED = {
    "control_plane/stores/database.py": "defines it, and asks whether the database answers",
    "control_plane/services/accounts.py": "signing in comes before any tenant",
    "control_plane/services/api_tokens.py": "whether a token's maker is banned is a fact of a person, not of a tenant",
    "control_plane/services/account_admin.py": "the service key sees all logins",
    "control_plane/services/confirmations.py": "mailed proofs come before any tenant",
    "control_plane/services/factors.py": "second factors belong to a person, not to a tenant",
    "control_plane/services/mail.py": "the mailbox of development belongs to no tenant",
    "control_plane/services/sessions.py": "sign-ins belong to a person, not to a tenant",
    "control_plane/services/sso_sign_in.py": "a sign-in begins with a domain or a state, before any tenant is known",
    "control_plane/services/sso_landing.py": "a flow names its connection, not whose it is",
    "control_plane/services/sso_opening.py": "whose account an address is, and the sign-in, belong to a person",
    "control_plane/services/sso_returning.py": "a sign-in comes back with a state, before any tenant is known",
    "control_plane/services/sso_identities.py": "whose an identity is, and the sign-ins by it, belong to a person",
    "control_plane/services/sso_metadata.py": "which providers' metadata is to be read again",
    "control_plane/services/sso_domains.py": "a domain is proven by one organization: which, and which are to be checked",
    "control_plane/services/keys.py": "signing keys belong to no tenant",
    "control_plane/services/outbox.py": "the jobs door has the effects of all tenants",
    "control_plane/services/nodes.py": "media nodes belong to no tenant",
    "control_plane/services/live.py": "counts live sessions for operators, without looking into them",
    "control_plane/services/organizations.py": "the operator's command finds an organization by its slug",
    "control_plane/services/closing.py": "the jobs door erases organizations whose grace is over; a policy says which",
    "control_plane/services/retention.py": "the jobs door takes out what is too old; policies say which rows",
    "control_plane/services/persons.py": "a person's rows lie in many tenants; policies open those of that person only",
    "control_plane/services/entitlements.py": "operators write overrides, which the tenant's role may not",
}
_CALL = re.compile(r"\.platform\(\)")


def find(root: Path) -> Iterator[str]:
    """Look through the control plane.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`; also for a file of the list that no longer calls it.
    """
    unused = dict(ALLOWED)
    for name in list_files(root):
        if name.suffix != ".py" or name.parts[0] != "control_plane":
            continue
        for number, line in read_lines(root / name):
            if not _CALL.search(line):
                continue
            unused.pop(name.as_posix(), None)
            if name.as_posix() not in ALLOWED:
                yield f"{name}:{number}: calls db.platform(), which looks across tenants; see scripts/lints/tenancy.py"
    for name_text in unused:
        yield f"{name_text}:1: stands in the list of scripts/lints/tenancy.py, but does not call db.platform()"


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
