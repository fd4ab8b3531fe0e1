# shellcheck shell=bash
# Sets this machine up, step by step. Sourced by the entry scripts; does nothing by itself but change to the project's folder.
#
#   need_python    .venv with everything of requirements.lock
#   begin_worker   starts obtaining the mediasoup worker in the background; need_worker waits for it
#   need_fbs       the worker's message code in media_plane/channel/fbs
#   need_worker    the worker; sets and exports MEDIASOUP_WORKER_BIN
#   need_webapp    webapp/dist
#   need_identity_providers  the npm packages of the tests' identity providers
#   need_apt P...  Debian packages
#
# Each is silent and quick when its work is done already, says what it does and how long it took when not, may be repeated and may
# run twice at once, and ends the script when it fails. Needs `set -euo pipefail`. Call them plainly, not after `if` or before `||`:
# bash then goes on after an error inside.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)"
PY="$ROOT/.venv/bin/python"
STAMPS="$ROOT/.stamps"
cd "$ROOT" || exit
mkdir -p "$STAMPS"

# npm and uv keep their caches in the home folder; cron, some CI and service accounts have none.
if [[ -z "${HOME:-}" ]]; then
  HOME="$(getent passwd "$(id -u)" | cut -d: -f6 || true)"
fi
if [[ ! -d "$HOME" || ! -w "$HOME" ]]; then
  HOME="$ROOT/.data/home"
  mkdir -p "$HOME"
fi
export HOME
export PATH="$ROOT/.venv/bin:$PATH"
# Another project's settings must not leak in.
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
# The system's certificates: a closed network may have its own authority.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

say() { printf 'set-up: %s\n' "$*" >&2; }

now_ms() { printf '%s' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

seconds_since() { # MS -> "1.2"
  local ms=$(($(now_ms) - $1))
  printf '%d.%d' "$((ms / 1000))" "$((ms % 1000 / 100))"
}

worker_pid=""
worker_out=""
current_step=""
on_exit() {
  local code=$?
  if [[ -n "$worker_pid" ]]; then
    kill "$worker_pid" 2>/dev/null || true
    wait "$worker_pid" 2>/dev/null || true
  fi
  [[ -z "${beside_pid:-}" ]] || kill "$beside_pid" 2>/dev/null || true
  [[ -z "$worker_out" ]] || rm -f "$worker_out"
  [[ -z "$current_step" ]] || say "FAILED while $current_step"
  return "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step LABEL COMMAND...: runs it under one lock for this checkout, with a line before and after.
step() {
  local began
  began="$(now_ms)"
  current_step="$1"
  shift
  say "$current_step"
  (
    flock --nonblock 9 || { say "waiting for another set-up of this checkout"; flock 9; }
    "$@"
  ) 9>"$STAMPS/setup.lock"
  say "$current_step: done in $(seconds_since "$began") s"
  current_step=""
}

# is_stamped FILE TEXT: whether the file says just that.
is_stamped() { [[ -f "$1" && "$(<"$1")" == "$2" ]]; }

need_apt() { "$ROOT/scripts/setup/apt" "$@"; }

# --- Python -------------------------------------------------------------------------------------------------------------------

find_python() {
  local candidate needs
  # One that can make a virtual environment comes first; for one that can't, a package is installed.
  for needs in "ensurepip, venv" sys; do
    # 3.11 is what the lock was resolved and tested for; a newer one is taken where it is the only one. Debian's own comes before
    # whatever else is called so: it is built with profile-guided optimisation, which pyenv's builds are not (docs/performance.md).
    for candidate in ${PYTHON:+"$PYTHON"} /usr/bin/python3.11 python3.11 python3 /usr/bin/python3; do
      # Never our own virtual environment's, which an activated shell finds first: a venv made by itself loses its configuration.
      if "$candidate" -c "import $needs, sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.argv[1])" "$ROOT/.venv" 2>/dev/null; then
        printf '%s' "$candidate"
        return 0
      fi
    done
  done
}

python_stamp() {
  printf 'at %s\n' "$ROOT"
  cat requirements.lock scripts/setup/uv.txt | sha256sum
}

need_python() {
  if is_stamped .venv/.set-up "$(python_stamp)" && "$PY" -c '' 2>/dev/null; then
    return 0
  fi
  local python
  python="$(find_python)"
  if [[ -z "$python" ]]; then
    need_apt python3 python3-venv
    python="$(find_python)"
  fi
  if [[ -z "$python" ]]; then
    say "Python 3.11 or newer is needed; this system's python3 is older. Name another with PYTHON=/path/to/python3.11"
    exit 1
  fi
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    need_apt python3-venv
  fi
  step "installing Python packages into .venv (a minute or two when nothing is cached)" make_venv "$python"
}

make_venv() { # PYTHON
  local stamp
  stamp="$(python_stamp)"
  if is_stamped .venv/.set-up "$stamp" && "$PY" -c '' 2>/dev/null; then
    return 0
  fi
  # A virtual environment holds its own address: after a move it is made anew, as is a broken one.
  if ! "$PY" -m pip --version >/dev/null 2>&1 || { [[ -f .venv/.set-up ]] && [[ "$(head -n 1 .venv/.set-up)" != "at $ROOT" ]]; }; then
    "$1" -m venv --clear .venv
  fi
  rm -f .venv/.set-up
  "$PY" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r scripts/setup/uv.txt
  # uv.txt is named again, or sync would remove uv itself.
  if ! "$PY" -m uv pip sync --quiet --python "$PY" --require-hashes requirements.lock scripts/setup/uv.txt; then
    # pip reads pip.conf, where a closed network names its mirror; uv does not.
    say "uv could not install the packages; trying pip, which is slower"
    "$PY" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
  fi
  printf '%s\n' "$stamp" >.venv/.set-up
}

# --- Worker and its messages --------------------------------------------------------------------------------------------------

begin_worker() {
  [[ -z "$worker_out" ]] || return 0
  worker_out="$(mktemp "$STAMPS/worker.XXXXXX")"
  "$PY" -m scripts.worker >"$worker_out" </dev/null &
  worker_pid=$!
}

need_worker() {
  begin_worker
  local code=0
  wait "$worker_pid" || code=$?
  worker_pid=""
  if [[ "$code" -ne 0 ]]; then
    say "there is no mediasoup worker; the reason is above"
    exit 1
  fi
  MEDIASOUP_WORKER_BIN="$(tail -n 1 "$worker_out")"
  export MEDIASOUP_WORKER_BIN
  rm -f "$worker_out"
  worker_out=""
}

need_fbs() { "$PY" -m scripts.worker.schemas; }

# --- Web app ------------------------------------------------------------------------------------------------------------------

npm_stamp() { (cd webapp && cat package.json package-lock.json .npmrc 2>/dev/null | sha256sum); }

webapp_stamp() {
  (
    cd webapp || exit
    find . \( -name node_modules -o -name dist -o -name coverage \) -prune -o -type f ! -name '*.tsbuildinfo' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
  )
}

need_node_modules() {
  if [[ ! -f webapp/package-lock.json ]]; then
    say "webapp/package-lock.json is not there; the web app is left out"
    return 0
  fi
  is_stamped webapp/node_modules/.set-up "$(npm_stamp)" || step "installing the web app's packages" make_node_modules
}

make_node_modules() {
  local stamp
  stamp="$(npm_stamp)"
  ! is_stamped webapp/node_modules/.set-up "$stamp" || return 0
  rm -f webapp/node_modules/.set-up
  # Not `npm ci`: see scripts/setup/node_modules.py, which makes up for it.
  (cd webapp && npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error </dev/null >&2)
  "$PY" -m scripts.setup.node_modules webapp
  printf '%s\n' "$stamp" >webapp/node_modules/.set-up
}

need_identity_providers() {
  [[ -d tests/support/identity_providers/node_modules ]] ||
    step "installing the tests' identity providers" "$PY" -m tests.support.identity_providers.running
}

need_webapp() {
  need_node_modules
  [[ -f webapp/package-lock.json ]] || return 0
  if [[ -f webapp/dist/index.html ]] && is_stamped "$STAMPS/webapp" "$(webapp_stamp)"; then
    return 0
  fi
  step "building the web app" make_webapp
}

make_webapp() {
  local stamp
  stamp="$(webapp_stamp)"
  if [[ -f webapp/dist/index.html ]] && is_stamped "$STAMPS/webapp" "$stamp"; then
    return 0
  fi
  rm -f "$STAMPS/webapp"
  (cd webapp && npm run --silent build </dev/null >&2)
  printf '%s\n' "$stamp" >"$STAMPS/webapp"
}
