# shellcheck shell=bash
# Runs several parts to the end, whatever fails, and says which did. Sourced after env.sh.
#
#   part LABEL COMMAND...        runs it, its output shown as it comes
#   quiet_part LABEL COMMAND...  runs it, its output shown only when it fails; lines with "(warning)" always
#   begin_part LABEL COMMAND...  starts it beside the next ones; end_part waits for it and shows its output. One at a time.
#   skipped_part LABEL WHY       notes one that could not run here
#   report_parts                 prints the summary; exit code 1 when a part failed

parts=()
failed_parts=0

part() {
  local label="$1" began code=0
  shift
  began="$(now_ms)"
  printf '\n=== %s\n' "$label"
  # Commands of their own, never functions: bash ignores errors inside a function that stands before `||`.
  "$@" </dev/null || code=$?
  note_part "$label" "$code" "$began"
}

quiet_part() {
  local label="$1" began code=0 output
  shift
  began="$(now_ms)"
  output="$(mktemp "$STAMPS/part.XXXXXX")"
  "$@" >"$output" 2>&1 </dev/null || code=$?
  if [[ "$code" -ne 0 ]]; then
    printf '\n=== %s\n' "$label"
    cat "$output"
  else
    grep -F '(warning)' "$output" || true
  fi
  rm -f "$output"
  note_part "$label" "$code" "$began"
}

beside_pid="" # env.sh ends it with the script

begin_part() {
  beside_label="$1"
  beside_began="$(now_ms)"
  beside_output="$(mktemp "$STAMPS/part.XXXXXX")"
  shift
  "$@" >"$beside_output" 2>&1 </dev/null &
  beside_pid=$!
}

end_part() {
  local code=0
  wait "$beside_pid" || code=$?
  beside_pid=""
  printf '\n=== %s\n' "$beside_label"
  cat "$beside_output"
  rm -f "$beside_output"
  note_part "$beside_label" "$code" "$beside_began"
}

note_part() { # LABEL CODE BEGAN_MS
  local verdict=ok
  if [[ "$2" -ne 0 ]]; then
    verdict="FAILED (exit $2)"
    failed_parts=$((failed_parts + 1))
  fi
  parts+=("$(printf '%-28s %s (%s s)' "$1" "$verdict" "$(seconds_since "$3")")")
  printf '%s\n' "${parts[-1]}"
}

skipped_part() {
  parts+=("$(printf '%-28s not run: %s' "$1" "$2")")
  printf '%s\n' "${parts[-1]}"
}

report_parts() {
  printf '\nsummary\n'
  printf '  %s\n' "${parts[@]}"
  [[ "$failed_parts" -eq 0 ]] || { printf '  %s of %s parts FAILED\n' "$failed_parts" "${#parts[@]}"; return 1; }
  printf '  all %s parts ok\n' "${#parts[@]}"
}
