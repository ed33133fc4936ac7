# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# build.sh: what deploy/quickstart and tests/run do alike, to be sourced: install what is missing, copy the sources, build and install
# them below a folder. Starts no service, writes nothing into the source tree.

# Rows "PROBE|PACKAGE": a command, pc:NAME for a library that pkg-config knows, h:NAME for a header, or f:PATH for a file or folder.
build_packages='gcc|gcc
g++|g++
make|make
autoconf|autoconf
automake|automake
pkg-config|pkg-config
pc:fcgi|libfcgi-dev
pc:libcjson|libcjson-dev
pc:libsodium|libsodium-dev
pc:libcrypto|libssl-dev
pc:libcurl|libcurl4-openssl-dev
pc:libpcre2-8|libpcre2-dev
h:uninorm.h|libunistring-dev'

say() { printf '%s\n' "$*" >&2; }

# Is this there? Servers live in sbin, which is not in everybody's path.
have() {
    case $1 in
        pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
        f:*) [ -e "${1#f:}" ] ;;
        h:*) [ -e "/usr/include/${1#h:}" ] || [ -e "/usr/local/include/${1#h:}" ] ;;
        *) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
    esac
}

missing_packages() {
    while IFS='|' read -r probe package; do
        have "$probe" || printf '%s\n' "$package"
    done | sort -u
}

# Waits for nobody: not for an answer from the terminal, not for a server that is silent, not without end for another apt.
apt() {
    $apt_sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
        -o DPkg::Lock::Timeout=120 "$@" </dev/null >&2
}

# A policy-rc.d keeps the services of what is installed from starting.
apt_install() {
    local policy=/usr/sbin/policy-rc.d made='' status=0
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $apt_sudo tee $policy >/dev/null && $apt_sudo chmod 755 $policy && made=1
    fi
    apt install -y --no-install-recommends "$@" || status=1
    [ -z "$made" ] || $apt_sudo rm -f $policy
    return $status
}

# install_missing ROWS: name the packages, install those that are missing. 1: something is still missing, and it was said what and why.
install_missing() {
    local missing apt_sudo=''
    missing=$(missing_packages <<<"$1" | paste -sd' ' -)
    say "Packages needed: $(cut -d'|' -f2 <<<"$1" | sort -u | paste -sd' ' -)"
    if [ -z "$missing" ]; then
        say "All are here."
        return 0
    fi
    say "Installing: $missing"
    if ! command -v apt-get >/dev/null; then
        say "There is no apt-get here: install what these packages of Debian 12 hold, then run this again."
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { say "Neither root nor sudo: run 'apt-get install $missing' as root, then run this again."; return 1; }
        apt_sudo=sudo
    fi
    # shellcheck disable=SC2086 # a list of names
    if ! apt update || ! apt_install $missing; then
        say "apt-get could not install $missing; it says why above (no network?). Install them, then run this again."
        return 1
    fi
    missing=$(missing_packages <<<"$1" | paste -sd' ' -)
    [ -z "$missing" ] || { say "Installed, and yet not found: what belongs to $missing."; return 1; }
}

# copy_sources FROM TO: what git would hold, uncommitted changes included; without git, all but what builds leave behind. Unchanged files keep
# their times, so that a second build is short.
copy_sources() {
    mkdir -p "$2"
    local to
    to=$(cd "$2" && pwd -P)
    (
        cd "$1" || exit 1
        {
            git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
                find . -type f ! -path './.git/*' ! -path '*/.deps/*' ! -name '*.o' ! -name '*.a' ! -name config.status \
                    ! -path ./Makefile ! -path ./config.h ! -path './quickstart.d/*' ! -path './build*/*' ! -path './autom4te.cache/*' -print0
        } | while IFS= read -r -d '' file; do
            case $PWD/$file in "${to%/src}"/*) continue ;; esac # the target may lie inside the tree
            [ -e "$file" ] && printf '%s\0' "$file"
        done | tar --null -T - -cf -
    ) | tar -xf - -C "$2"
}

# build_into SRC BUILD PREFIX [CONFIGURE ARGUMENT…]: autoreconf where needed, configure once, make, make install. Output goes to BUILD/log.
build_into() {
    local src=$1 build=$2 prefix=$3
    shift 3
    mkdir -p "$build"
    {
        if [ ! -e "$src/configure" ] || [ "$src/configure.ac" -nt "$src/configure" ]; then
            (cd "$src" && autoreconf -i) || return 1
        fi
        cd "$build" || return 1
        if [ ! -e config.status ]; then
            "$src/configure" --prefix="$prefix" --sysconfdir="$prefix/etc" --localstatedir="$prefix/var" "$@" || return 1
        fi
        make -j"$(nproc)" && make install
    } >"$build/log" 2>&1
}
