#!/usr/bin/env bash
# make test: setup, lint, then every kind of test, cheap ones first. Setup or lint that fails ends the run; a kind of
# test that fails does not keep the next from running. The last line is the sum over all kinds.
set -uo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# Tests that could not run write a line here, as a passing test's output is not shown.
export CACHEWATCH_SKIP_LOG=$logs/skipped
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
broken=()

stage() {
  local began=$SECONDS status=0
  printf '\n==> make %s\n' "$1"
  make --no-print-directory "$1" 2>&1 | tee "$logs/$1" || status=1
  printf '==> make %s: %s after %s s\n' "$1" "$([ $status = 0 ] && echo ok || echo FAILED)" "$((SECONDS - began))"
  [ $status = 0 ] || broken+=("$1")
  return $status
}

# Sums a word's numbers in the summary lines of nextest ("3 passed") and of libtest ("3 passed; 0 failed").
count() {
  cat "$logs"/{unit,doctest,it} 2>/dev/null | sed 's/\x1b\[[0-9;]*m//g' |
    grep -E '^ *(Summary|test result:)' | grep -oE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}

if stage setup && stage lint; then
  stage unit
  stage doctest
  stage it
fi

echo
if [ -s "$CACHEWATCH_SKIP_LOG" ]; then
  echo "SKIPPED: $(wc -l <"$CACHEWATCH_SKIP_LOG") tests lacked something here (make setup tells what):"
  sort "$CACHEWATCH_SKIP_LOG" | uniq -c | sed 's/^/    /'
fi
failed=$(($(count failed) + $(count 'timed out')))
if [ "${#broken[@]}" -gt 0 ]; then
  echo "broken: ${broken[*]}"
  # A kind that does not compile has no failed test to count.
  [ "$failed" -gt 0 ] || failed=${#broken[@]}
fi
echo "$(count passed) passed, $failed failed"
[ "${#broken[@]}" -eq 0 ]
