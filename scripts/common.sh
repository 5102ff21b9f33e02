# What the scripts share. Source it; it changes to the top of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

CACHES=${LVSD_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lvsd-lab}

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages PACKAGE...: installs the Debian packages that are missing. Services that they bring
# are not started: the lab starts its own, inside the guest.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this needs Debian's packages: ${missing[*]}"

    say "installing ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d log
    log=$(mktemp)
    [ -e $policy ] || printf '#!/bin/sh\nexit 101\n# lvsd lab\n' | as_root install -m 755 /dev/stdin $policy
    if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        ! grep -qs 'lvsd lab' $policy || as_root rm $policy
        die "apt could not install ${missing[*]}"
    fi
    ! grep -qs 'lvsd lab' $policy || as_root rm $policy
    rm "$log"
}

need_cargo() {
    command -v cargo >/dev/null || die "Rust is missing; install it with rustup (https://rustup.rs), 1.88 or newer"
    need_packages gcc libc6-dev
}
