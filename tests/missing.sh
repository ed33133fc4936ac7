#!/bin/sh
# SPDX-License-Identifier: MIT
# On a machine where something is missing and cannot be installed, tests/run and deploy/quickstart say so and end, with a status that says so too.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
for name in bash cat chmod cut dirname env grep id mkdir mktemp paste rm sed sort tail tee uname; do
    ln -s "$(command -v $name)" "$dir/bin/$name"
done
printf '#!/bin/sh\nexec "$@"\n' >"$dir/bin/sudo"
chmod 755 "$dir/bin/sudo"

# ends WORDS COMMAND…: it fails, soon, and has said these words.
ends() {
    words=$1 status=0
    shift
    (cd "$dir" && timeout 60 env PATH="$dir/bin" CREEL_TEST_DIR="$dir/work" "$@" </dev/null >"$dir/out" 2>&1) || status=$?
    if [ $status = 0 ] || [ $status = 124 ] || ! grep -q "$words" "$dir/out"; then
        echo "FAILED: status $status, or no word of '$words': $*"
        cat "$dir/out"
        exit 1
    fi
}

ends "There is no apt-get here" "$src/tests/run"
tail -n 1 "$dir/out" | grep -q '^0 passed, 1 failed$'
ends "There is no apt-get here" "$src/deploy/quickstart"
# no network: apt-get update fails; a package that does not exist any more: apt-get install fails
for verb in update install; do
    printf '#!/bin/sh\ncase "$*" in *" %s"*) echo "E: stub"; exit 100 ;; esac\n' $verb >"$dir/bin/apt-get"
    chmod 755 "$dir/bin/apt-get"
    [ $verb = update ] || [ "$(id -u)" != 0 ] || continue # as root it would write below /usr/sbin for a moment
    ends "apt-get could not install .*nodejs" "$src/tests/run"
    tail -n 1 "$dir/out" | grep -q '^0 passed, 1 failed$'
    ends "apt-get could not install .*gcc" "$src/deploy/quickstart"
done
echo "what is missing is said"
