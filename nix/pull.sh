#!/usr/bin/env bash
# Brings a checkout up to date where that is a plain fast-forward, and otherwise says why not.
#
#   pull.sh FOLDER
#
# Never resets, merges, rebases, stashes or asks for a password, and always ends with success: a shell follows.
set -u

reach=2  # seconds, for the remote to answer at all
stall=10 # seconds without a byte, after that

say() { printf 'pipetui: %s\n' "$*" >&2; }
skip() {
    say "not pulled: $*"
    exit 0
}

cd "$1" || exit 0
command -v git >/dev/null || skip "git is not there."
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || skip "this is not a git checkout."
branch=$(git symbolic-ref --quiet --short HEAD) || skip "no branch is checked out."
upstream=$(git rev-parse --abbrev-ref '@{upstream}' 2>/dev/null) || skip "the branch $branch follows no other."
changes=$(git status --porcelain) || skip "git cannot read this checkout."
[ -z "$changes" ] || skip "the checkout has changes; commit them, then run: git pull --ff-only"

# Nobody is here to answer a prompt.
export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true SSH_ASKPASS=true
ssh=${GIT_SSH_COMMAND:-$(git config core.sshCommand || echo ssh)}
export GIT_SSH_COMMAND="$ssh -o BatchMode=yes -o ServerAliveInterval=$stall -o ServerAliveCountMax=1"

remote=$(git config "branch.$branch.remote")
timeout "$reach" git ls-remote --quiet "$remote" HEAD </dev/null >/dev/null 2>&1 ||
    skip "$remote does not answer, or asks for a password; working offline."

before=$(git rev-parse HEAD)
# No `timeout` here: it could end git in the middle of writing files.
if answer=$(git -c http.lowSpeedLimit=1 -c http.lowSpeedTime="$stall" pull --ff-only --quiet </dev/null 2>&1); then
    after=$(git rev-parse HEAD)
    if [ "$before" != "$after" ]; then
        say "pulled $(git rev-list --count "$before..$after") new commit(s) of $upstream."
    fi
elif ! git merge-base --is-ancestor HEAD '@{upstream}'; then
    skip "$branch and $upstream have both moved on. Nothing was changed; join them when it suits you."
else
    skip "git refused, nothing was changed: ${answer##*$'\n'}"
fi
