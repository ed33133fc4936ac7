#!/bin/sh
# SPDX-License-Identifier: MIT
# The stock functions do what their cases say, and creel test tells by its exit status. Run in the build folder.
set -eu
src=${srcdir:-.}
./creel test functions/log/log.so --cases "$src/functions/log/cases.json"
./creel test functions/exec/exec.so --cases "$src/functions/exec/cases.json"
./creel test functions/fetch/creel.fetch.so --cases "$src/functions/fetch/cases.json"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
event=$dir/event.json
printf '{"type":"order.paid","headers":{"Do":"ok"},"body":{"order":1}}' >"$event"

expect() {
    want=$1
    shift
    got=0
    "$@" >"$dir/out" 2>&1 || got=$?
    if [ "$got" != "$want" ]; then
        echo "FAILED: exit status $got, not $want: $*"
        cat "$dir/out"
        exit 1
    fi
}

expect 0 ./creel test tests/functions/behave.so "$event"
expect 1 ./creel test tests/functions/crash.so "$event"
grep -q '^CRASH in [0-9]* ms: signal 11 (Segmentation fault)$' "$dir/out"
expect 1 ./creel test tests/functions/slow.so "$event" --timeout 50ms
grep -q '^TIMEOUT in [0-9]* ms: it was killed after 50 ms$' "$dir/out"
expect 0 ./creel test tests/functions/slow.so "$event" --config '{"ms":1}'
expect 1 ./creel test tests/functions/foreign-OTHER_ABI.so "$event"
grep -q '^BROKEN in 0 ms: .*was built for ABI 99' "$dir/out"
expect 1 ./creel test tests/functions/forkbomb.so "$event" --timeout 200ms
expect 0 ./creel --json test functions/log/log.so "$event"
grep -q '"outcome":"DONE".*"{\\"order\\":1}"' "$dir/out"
printf '[{"case":"replies","event":{"headers":{"Do":"reply"},"body":{"n":0,"then":0}},"expect":{"reply":""}}]' >"$dir/cases.json"
expect 0 ./creel test tests/functions/behave.so --cases "$dir/cases.json"
sed 's/"reply":""/"reply":"x"/' "$dir/cases.json" >"$dir/other.json"
expect 1 ./creel test tests/functions/behave.so --cases "$dir/other.json"
expect 100 ./creel test tests/functions/behave.so
expect 100 ./creel test tests/functions/behave.so "$dir/none.json"
expect 100 ./creel test "$event" "$event"
expect 100 ./creel test tests/functions/behave.so "$event" --config '{'
printf '{"order":1}' >"$event"
expect 100 ./creel test tests/functions/behave.so "$event"
grep -q 'this is no event' "$dir/out"
expect 100 ./creel-worker
expect 0 ./creel-worker --help
echo "stock functions and creel test: all as expected"
