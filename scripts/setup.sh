#!/bin/sh
# Usage: scripts/setup.sh EXTRA
#
# Make .venv and install the project into it, editable, with one extra (dev or report).
# Does nothing, and says nothing, where that has been done for this very pyproject.toml,
# Python and folder.
set -eu

cd "$(dirname "$0")/.."
extra=${1:?"usage: scripts/setup.sh EXTRA"}
venv=.venv
python=$venv/bin/python
begun=$venv/.kilonova-begun

say() {
    echo "kilonova: $*"
}

fail() {
    echo "kilonova: $*" >&2
    exit 1
}

# All that an installation depends on. It is kept whole and not as a hash: a shell alone
# can compare it, and it shows what was different.
key() {
    "$python" --version
    pwd
    cat pyproject.toml
}

# Tell whether the extra is there, or dev, which includes all the others.
is_ready() {
    [ ! -e "$begun" ] && [ -x "$python" ] || return 1
    for stamp in "$venv/.kilonova-$extra" "$venv/.kilonova-dev"; do
        if [ -f "$stamp" ] && key 2>/dev/null | cmp -s - "$stamp"; then
            return 0
        fi
    done
    return 1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found (PYTHON=/path/to/python3 names one)"
}

# Debian ships venv without ensurepip, which lives in a package of its own.
need_ensurepip() {
    if "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "$1 cannot make virtual environments; run: sudo apt-get install $package"
    fi
    say "installing $package, which Debian keeps apart from Python"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes \
        --no-install-recommends "$package" >/dev/null
}

make_venv() {
    base=$(find_python)
    need_ensurepip "$base"
    say "setting up $venv, once, with $("$base" --version)"
    "$base" -m venv --clear --without-pip "$venv"
    touch "$begun"
    "$python" -m ensurepip --default-pip >/dev/null
}

install() {
    touch "$begun"
    say "installing kilonova[$extra], a minute or two; log in $venv/setup.log"
    if ! "$python" -m pip install --disable-pip-version-check --no-input \
        --progress-bar off --editable ".[$extra]" >"$venv/setup.log" 2>&1; then
        tail -n 20 "$venv/setup.log" >&2
        fail "the installation failed; all of pip's output is in $venv/setup.log"
    fi
    # Written last, and under another name first: an interrupted run is no finished one.
    key >"$venv/.kilonova-new"
    mv "$venv/.kilonova-new" "$venv/.kilonova-$extra"
    rm "$begun"
}

if is_ready; then
    exit 0
fi
# A half-finished installation may hold packages without some of their files.
if [ -e "$begun" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    make_venv
fi
install
say "ready"
