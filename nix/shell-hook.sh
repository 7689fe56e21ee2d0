# shellcheck shell=bash
# Sourced by `nix develop` when the environment stands: pulls, makes .venv, and says what is special here.
# It runs in the user's own shell: no `exit`, no `set`, no variable left over but PATH and VIRTUAL_ENV (and, with
# CUDA, LD_LIBRARY_PATH), nothing on stdout. Whatever fails, the shell opens.

_pipetui_say() { printf 'pipetui: %s\n' "$*" >&2; }

# The nearest folder upwards that holds this project; `nix develop github:…` may run anywhere.
_pipetui_root() {
    local folder=$PWD
    until grep -qs '^name = "pipetui"$' "$folder/pyproject.toml"; do
        [ -n "$folder" ] || return 1
        folder=${folder%/*}
    done
    printf '%s\n' "$folder"
}

# Makes and fills .venv once, and puts it on the PATH. One that `make` made is used as it is.
_pipetui_venv() {
    local root=$1 venv=$1/.venv
    if [ ! -x "$venv/bin/pipetui" ]; then
        _pipetui_say "making .venv and installing pipetui into it."
        if ! { python3 -m venv "$venv" &&
            "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 2 \
                --editable "$root"; } >&2; then
            _pipetui_say ".venv is not complete (see above). Nothing is lost: enter the shell again when online."
            return
        fi
    elif ! "$venv/bin/python" -c '' 2>/dev/null; then
        _pipetui_say ".venv was made with a Python that is gone. Remove that folder and enter the shell again."
        return
    fi
    export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH
}

_pipetui_gpu() {
    local gpu folder
    if ! gpu=$(timeout 5 nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null); then
        [ -z "${PIPETUI_CUDA:-}" ] || _pipetui_say "no GPU answers (nvidia-smi); CUDA's libraries are here."
    elif [ -z "${PIPETUI_CUDA:-}" ]; then
        _pipetui_say "CUDA: ${gpu%%$'\n'*}. \`nix develop .#cuda\` adds CUDA's libraries, which are unfree."
    else
        _pipetui_say "CUDA: ${gpu%%$'\n'*}."
        # The driver's own library comes from the system: NixOS and WSL keep it apart from all else.
        for folder in /run/opengl-driver/lib /usr/lib/wsl/lib; do
            if [ -e "$folder/libcuda.so.1" ]; then
                export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
            fi
        done
    fi
}

_pipetui_hook() {
    local here=$1 root
    if [ -t 2 ] && command -v figlet >/dev/null; then figlet pipetui >&2; fi
    if [ "${EFFECTIVE_OS:-}" = darwin ]; then
        _pipetui_say "nixpkgs has no Chromium for macOS: install it, or Chrome, with the major version of" \
            "$(chromedriver --version 2>/dev/null)."
    fi
    _pipetui_gpu
    if root=$(_pipetui_root); then
        bash "$here/pull.sh" "$root"
        _pipetui_venv "$root"
    else
        _pipetui_say "this is not a checkout of pipetui: nothing pulled, no .venv made."
    fi
}

_pipetui_hook "${BASH_SOURCE[0]%/*}" || true
unset -f _pipetui_say _pipetui_root _pipetui_venv _pipetui_gpu _pipetui_hook
