#!/usr/bin/env bash
# What `nix run` starts: pipetui, from an environment in the user's cache folder, which the first start makes.
#
#   run.sh SOURCE PYTHON NAME LIBRARIES [ARGUMENT…]
#
# SOURCE may be read-only. NAME stands for this SOURCE with this PYTHON; LIBRARIES is for LD_LIBRARY_PATH, or empty.
set -euo pipefail

source=$1 python=$2 name=$3 libraries=$4
shift 4

cache=${XDG_CACHE_HOME:-${HOME:?is not set, so there is no cache folder}/.cache}/pipetui
environment=$cache/$name

say() { printf 'pipetui: %s\n' "$*" >&2; }

# Makes the environment under a name of its own and then renames it, so that it is there whole or not at all, and
# of two that start at once the first wins. Runs in a subshell: the traps are its own. Writes to stderr only.
install() (
    set -e  # off where it is called
    mkdir -p "$cache"
    find "$cache" -maxdepth 1 -name '*.partial.*' -mtime +0 -exec rm -rf {} +  # of one that was killed
    partial=$(mktemp -d "$cache/$name.partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM

    say "first start of this version: installing it into $environment"
    "$python" -m venv "$partial"
    cp -R "$source" "$partial/source"  # a build may write beside the source
    chmod -R u+w "$partial/source"
    "$partial/bin/python" -m pip install --quiet --disable-pip-version-check --retries 2 "$partial/source"
    rm -rf "$partial/source"
    mv -T "$partial" "$environment" 2>/dev/null || [ -d "$environment" ]
) >&2

unset PYTHONHOME PYTHONPATH  # another Python's packages would shadow this environment's
if [ -n "$libraries" ]; then
    export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

if [ ! -d "$environment" ]; then
    set +e  # `install || …` would switch it off inside, too
    install
    status=$?
    set -e
    if [ "$status" -ge 128 ]; then exit "$status"; fi
    if [ "$status" -ne 0 ]; then
        say "could not be installed (see above). Nothing half-made was kept: check the network, then start again."
        exit 1
    fi
fi

# -m, since the scripts in its bin/ still bear the name from before the renaming.
exec "$environment/bin/python" -m pipetui "$@"
