# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# need PACKAGE...: makes sure the Debian packages are there; installs those that are not. Sourced by the
# scripts at the root. Output goes to stderr: stdout belongs to what the script is for.

need() {
    local package missing=() as_root=()
    command -v dpkg-query >/dev/null || return 0 # another system: its user has seen to it
    for package; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0

    echo "installing: ${missing[*]}" >&2
    ((EUID == 0)) || as_root=(sudo)
    export DEBIAN_FRONTEND=noninteractive
    {
        "${as_root[@]}" apt-get -qq update &&
            "${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}"
    } >&2 || {
        echo "could not install them; as root: apt-get install ${missing[*]}" >&2
        return 1
    }
}
