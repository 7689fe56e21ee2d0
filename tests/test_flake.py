"""flake.nix and its shell scripts, without a network and without building anything.

The outputs are evaluated by the real `nix`, in a store of the test's own, against a stub of nixpkgs. The scripts
run in real bash on real git repositories; only Python, nvidia-smi and what is not to be found here are stubs.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
STUB = ROOT / "tests/nix/nixpkgs-stub"
LINUX = ["x86_64-linux", "aarch64-linux"]
DARWIN = ["x86_64-darwin", "aarch64-darwin"]


def need(program: str, package: str) -> None:
    """Skips the test where `program` is missing; in CI that is a failure."""
    if shutil.which(program) is None:
        reason = f"{program} is not here (Debian: apt install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


# --- the outputs ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def flake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git would give to nix: no .venv, no caches."""
    folder = tmp_path_factory.mktemp("flake")
    for name in ["flake.nix", "flake.lock", "pyproject.toml", "README.md", "LICENSE"]:
        shutil.copy(ROOT / name, folder)
    for name in ["nix", "pipetui"]:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `nix` with a store, state and home of its own: no daemon, no root, no settings of this machine."""
    need("nix", "nix-bin")
    home = tmp_path_factory.mktemp("nix")
    env = {"PATH": os.environ["PATH"], "HOME": str(home)} | {
        f"NIX_{name}_DIR": str(home / name.lower()) for name in ["STORE", "STATE", "LOG", "CONF"]
    }

    def run(*args: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        features = ["--extra-experimental-features", "nix-command flakes"]
        done = subprocess.run(
            ["nix", *features, *map(str, args)], env=env, cwd=home, capture_output=True, text=True, check=False
        )
        if check:
            assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def evaluate(nix: Callable[..., subprocess.CompletedProcess[str]], flake: Path) -> Callable[..., Any]:
    """Evaluates an output of the flake with the stub in nixpkgs' place."""

    def run(output: str, apply: str = "x: x") -> Any:
        stubbed = ["--override-input", "nixpkgs", f"path:{STUB}", "--no-write-lock-file"]
        return json.loads(nix("eval", "--json", f"path:{flake}#{output}", "--apply", apply, *stubbed).stdout)

    return run


@pytest.fixture(scope="session")
def shells(evaluate: Callable[..., Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """system -> shell -> what it sets. `drvPath` makes nix look at every attribute."""
    found: dict[str, dict[str, dict[str, Any]]] = evaluate(
        "devShells",
        """builtins.mapAttrs (_: builtins.mapAttrs (_: shell: {
             inherit (shell) drvPath EFFECTIVE_OS;
             packages = map (package: package.name) shell.packages;
             libraries = shell.LD_LIBRARY_PATH or "";
             hook = shell.shellHook or null;
           }))""",
    )
    return found


def test_nix_itself_accepts_every_output(nix: Callable[..., Any], flake: Path) -> None:
    stubbed = ["--override-input", "nixpkgs", f"path:{STUB}", "--no-write-lock-file"]
    nix("flake", "check", "--no-build", f"path:{flake}", *stubbed)


def test_the_lock_file_fits_the_input_and_names_one_commit(nix: Callable[..., Any], flake: Path) -> None:
    # Fails when flake.nix asks for another input than the one that is locked; no network is needed when not.
    metadata = nix("flake", "metadata", "--json", "--no-update-lock-file", f"path:{flake}").stdout
    nodes = json.loads(metadata)["locks"]["nodes"]
    assert set(nodes) == {"root", "nixpkgs"}
    assert re.fullmatch(r"[0-9a-f]{40}", nodes["nixpkgs"]["locked"]["rev"])
    assert re.fullmatch(r"sha256-[A-Za-z0-9+/]{43}=", nodes["nixpkgs"]["locked"]["narHash"])


@pytest.mark.parametrize("output", ["packages", "checks"])
def test_derivations_for_the_four_systems(evaluate: Callable[..., Any], output: str) -> None:
    found = evaluate(output, "builtins.mapAttrs (_: builtins.mapAttrs (_: built: built.drvPath))")
    assert set(found) == {*LINUX, *DARWIN}
    names = {"packages": {"default"}, "checks": {"package", "scripts", "lint"}}[output]
    assert all(set(of_system) == names for of_system in found.values())


def test_the_app_is_the_package(evaluate: Callable[..., Any]) -> None:
    apps, packages = evaluate("apps"), evaluate("packages")
    assert set(apps) == {*LINUX, *DARWIN}
    for system, app in apps.items():
        assert app["default"]["type"] == "app"
        assert app["default"]["program"] == f"{packages[system]['default']}/bin/pipetui"


def test_shells_of_each_system(shells: dict[str, dict[str, dict[str, Any]]]) -> None:
    assert set(shells) == {*LINUX, *DARWIN}
    common = {"python3", "chromedriver", "figlet", "git"}
    for system in LINUX:
        assert set(shells[system]) == {"default", "quiet", "cuda"}
        for shell in shells[system].values():
            assert shell["EFFECTIVE_OS"] == "linux"
            assert common | {"chromium", "gcc"} <= set(shell["packages"])
            assert "-cc-lib/lib" in shell["libraries"]
    for system in DARWIN:
        assert set(shells[system]) == {"default", "quiet"}
        for shell in shells[system].values():
            assert shell["EFFECTIVE_OS"] == "darwin"
            assert common <= set(shell["packages"])
            assert shell["libraries"] == ""


def test_only_the_quiet_shell_has_no_hook(shells: dict[str, dict[str, dict[str, Any]]]) -> None:
    for of_system in shells.values():
        for name, shell in of_system.items():
            assert (shell["hook"] is None) == (name == "quiet")


def test_unfree_libraries_are_in_the_cuda_shell_alone(shells: dict[str, dict[str, dict[str, Any]]]) -> None:
    with_cuda = {
        (system, name)
        for system, of_system in shells.items()
        for name, shell in of_system.items()
        if "cublas" in shell["libraries"]
    }
    assert with_cuda == {(system, "cuda") for system in LINUX}


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("x86_64-darwin.chromium", "not available"),
        ("x86_64-linux.cudaPackages.libcublas", "unfree"),
        ("x86_64-linux.no-such-package", "no-such-package"),
    ],
)
def test_the_stub_refuses_what_nixpkgs_refuses(nix: Callable[..., Any], package: str, why: str) -> None:
    done = nix("eval", f"path:{STUB}#legacyPackages.{package}", check=False)
    assert done.returncode != 0
    assert why in done.stderr


# --- the scripts ---------------------------------------------------------------------------------------------------

# What the scripts may use besides bash. A PATH of these alone shows that nothing else is needed, and keeps this
# machine's own nvidia-smi, figlet and Chromium out.
TOOLS = [
    "bash",
    "env",
    "git",
    "timeout",
    "grep",
    "cat",
    "cp",
    "chmod",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "find",
    "sleep",
    "dirname",
    "basename",
    "uname",
    "sed",
    "ssh",
]

# Makes a "virtual environment" that holds this script again, notes what pip was asked for, and shows how pipetui
# was called. STUB_PIP: what an installation meets.
PYTHON = r"""#!/usr/bin/env bash
set -eu
here=${0%/*}
case "$*" in
"-m venv "*)
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    ;;
"-m pip install "*)
    for source; do :; done
    echo "$source" >>"$STUB_LOG"
    : >"$source/written-by-the-build"
    case "${STUB_PIP:-}" in
    fail) echo "no route to PyPI" >&2; exit 1 ;;
    hang) exec sleep 60 ;;
    meet) while [ "$(grep -c . "$STUB_LOG")" -lt 2 ]; do sleep 0.01; done ;;
    esac
    echo "console script" >"$here/pipetui"
    chmod +x "$here/pipetui"
    ;;
"-m pipetui"*)
    printf '%s\n' "$here" "${LD_LIBRARY_PATH:-}" "${PYTHONPATH:-}" "${@:3}"
    ;;
esac
"""


def write_tool(folder: Path, name: str, text: str) -> Path:
    tool = folder / name
    tool.write_text(text)
    tool.chmod(0o755)
    return tool


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with the real tools and a stub of Python, to be the whole PATH."""
    need("git", "git")
    need("timeout", "coreutils")  # macOS has it in the flake's shell only, like `mv -T`
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    write_tool(folder, "python3", PYTHON)
    return folder


@pytest.fixture
def env(tmp_path: Path, tools: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    who = {
        f"GIT_{role}_{what}": value
        for role in ["AUTHOR", "COMMITTER"]
        for what, value in [("NAME", "Ada"), ("EMAIL", "ada@example.com")]
    }
    return who | {
        "PATH": str(tools),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "STUB_LOG": str(home / "installed"),
    }


def installations(env: dict[str, str]) -> list[str]:
    log = Path(env["STUB_LOG"])
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("script", sorted((ROOT / "nix").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


# --- nix/pull.sh


class Checkout:
    """A clone of a repository that a colleague works on, too."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.env, self.remote, self.here, self.colleague = env, folder / "remote", folder / "here", folder / "colleague"
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", self.remote)
        self.git(folder, "clone", "--quiet", self.remote, self.colleague)
        self.commit(self.colleague, "pyproject.toml", '[project]\nname = "pipetui"\n')
        self.commit(self.colleague, ".gitignore", ".venv/\n")
        self.git(self.colleague, "push", "--quiet", "origin", "HEAD:main")
        self.git(folder, "clone", "--quiet", self.remote, self.here)

    def git(self, folder: Path, *args: object) -> str:
        command = ["git", "-C", str(folder), *map(str, args)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        return str(done.stdout).strip()

    def commit(self, folder: Path, name: str, text: str) -> None:
        (folder / name).write_text(text)
        self.git(folder, "add", name)
        self.git(folder, "commit", "--quiet", "-m", f"change {name}")

    def colleague_pushes(self) -> str:
        """Returns the new head of the remote."""
        self.commit(self.colleague, "news", "from a colleague\n")
        self.git(self.colleague, "push", "--quiet", "origin", "HEAD:main")
        return self.git(self.colleague, "rev-parse", "HEAD")

    def state(self) -> tuple[str, str, str]:
        """What must not change: the commit, the branch, and the state of every file."""
        ask = [("rev-parse", "HEAD"), ("rev-parse", "--abbrev-ref", "HEAD"), ("status", "--porcelain=v2")]
        head, branch, status = (self.git(self.here, *command) for command in ask)
        return head, branch, status

    def pull(self, folder: Path | None = None) -> str:
        """Runs the script, which always succeeds and keeps stdout clean; returns what it said."""
        command = ["bash", str(ROOT / "nix/pull.sh"), str(folder or self.here)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout == ""
        return str(done.stderr)


@pytest.fixture
def checkout(tmp_path: Path, env: dict[str, str]) -> Checkout:
    return Checkout(tmp_path, env)


def test_a_clean_checkout_that_is_behind_is_fast_forwarded(checkout: Checkout) -> None:
    head = checkout.colleague_pushes()
    assert "pulled 1 new commit(s) of origin/main" in checkout.pull()
    assert checkout.state()[0] == head
    assert (checkout.here / "news").exists()
    assert checkout.pull() == ""  # up to date: nothing to say


@pytest.mark.parametrize("change", ["edited", "staged", "untracked"])
def test_a_dirty_tree_is_not_touched(checkout: Checkout, change: str) -> None:
    checkout.colleague_pushes()
    name = "notes" if change == "untracked" else "pyproject.toml"
    (checkout.here / name).write_text("mine\n")
    if change == "staged":
        checkout.git(checkout.here, "add", name)
    before = checkout.state()
    assert "not pulled: the checkout has changes" in checkout.pull()
    assert checkout.state() == before
    assert (checkout.here / name).read_text() == "mine\n"


@pytest.mark.parametrize("config", ["pull.rebase=false", "pull.rebase=true", "pull.ff=false"])
def test_a_diverged_branch_is_left_alone_whatever_git_is_set_to(checkout: Checkout, config: str) -> None:
    checkout.colleague_pushes()
    checkout.commit(checkout.here, "mine", "not pushed\n")
    checkout.git(checkout.here, "config", *config.split("="))
    before = checkout.state()
    assert "have both moved on" in checkout.pull()
    assert checkout.state() == before


def test_own_commits_on_top_are_kept(checkout: Checkout) -> None:
    checkout.commit(checkout.here, "mine", "not pushed\n")
    before = checkout.state()
    assert checkout.pull() == ""
    assert checkout.state() == before


def test_a_remote_that_refuses_is_offline(checkout: Checkout) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        checkout.git(checkout.here, "remote", "set-url", "origin", f"git://127.0.0.1:{closed.getsockname()[1]}/x")
        before = checkout.state()
        assert "working offline" in checkout.pull()
    assert checkout.state() == before


def test_a_remote_that_never_answers_is_offline(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        checkout.git(checkout.here, "remote", "set-url", "origin", f"git://127.0.0.1:{silent.getsockname()[1]}/x")
        before = checkout.state()
        assert "working offline" in checkout.pull()
    assert checkout.state() == before


def test_ssh_may_not_ask(checkout: Checkout, tools: Path, tmp_path: Path) -> None:
    write_tool(tools, "our-ssh", f'#!/usr/bin/env bash\nprintf "%s\\n" "$*" >>"{tmp_path}/asked"\nexit 255\n')
    checkout.git(checkout.here, "config", "core.sshCommand", "our-ssh -p 2222")
    checkout.git(checkout.here, "remote", "set-url", "origin", "ssh://box.invalid/x")
    assert "working offline" in checkout.pull()
    assert "-p 2222 -o BatchMode=yes" in (tmp_path / "asked").read_text()


def test_places_without_anything_to_pull(checkout: Checkout, tmp_path: Path, tools: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert "not a git checkout" in checkout.pull(tmp_path / "plain")
    checkout.git(checkout.here, "switch", "--quiet", "-c", "own-branch")
    assert "the branch own-branch follows no other" in checkout.pull()
    checkout.git(checkout.here, "switch", "--quiet", "--detach")
    assert "no branch is checked out" in checkout.pull()
    (tools / "git").unlink()
    assert "git is not there" in checkout.pull()


# --- nix/shell-hook.sh


def hook(checkout: Checkout, folder: Path, before: str = "set -u", **extra: str) -> tuple[dict[str, Any], str]:
    """Sources the hook as `nix develop` does; returns what that did to the shell, and stderr."""
    show = 'echo "$SHELLOPTS"; echo "${VIRTUAL_ENV:-}"; echo "${PATH%%:*}"; echo $(compgen -v) $(declare -F)'
    done = subprocess.run(
        ["bash", "--norc", "-c", f'{before}\n{show}\n. "$0"\n{show}', ROOT / "nix/shell-hook.sh"],
        env=checkout.env | {"EFFECTIVE_OS": "linux"} | extra,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 8, "it prints nothing on stdout, and the shell is still there"
    shell = {
        "settings kept": lines[0] == lines[4],
        "venv": lines[5],
        "path": lines[6],
        "left over": set(lines[7].split()) - set(lines[3].split()) - {"PIPESTATUS"},
    }
    return shell, done.stderr


def test_the_hook_pulls_and_makes_the_environment_once(checkout: Checkout) -> None:
    head = checkout.colleague_pushes()
    venv = checkout.here / ".venv"
    subfolder = checkout.here / "docs"
    subfolder.mkdir()

    shell, said = hook(checkout, subfolder)
    assert shell == {
        "settings kept": True,
        "venv": str(venv),
        "path": f"{venv}/bin",
        "left over": {"VIRTUAL_ENV"},
    }
    assert "making .venv" in said
    assert checkout.state()[0] == head
    assert installations(checkout.env) == [str(checkout.here)]

    again, said = hook(checkout, subfolder)
    assert again == shell
    assert "making .venv" not in said
    assert len(installations(checkout.env)) == 1


@pytest.mark.parametrize("settings", ["set -u", "set -eu", "set -euo pipefail", ":"])
def test_the_shell_opens_and_keeps_its_settings_when_nothing_works(checkout: Checkout, settings: str) -> None:
    (checkout.here / "pyproject.toml").write_text('[project]\nname = "pipetui"\n# mine\n')
    shell, said = hook(checkout, checkout.here, settings, STUB_PIP="fail")
    assert shell["settings kept"]
    assert shell["venv"] == ""
    assert shell["left over"] == set()
    assert "the checkout has changes" in said
    assert ".venv is not complete" in said

    shell, _ = hook(checkout, checkout.here, settings)  # online again
    assert shell["venv"] == str(checkout.here / ".venv")


def test_a_folder_of_something_else_is_left_alone(checkout: Checkout, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "other"\n')
    shell, said = hook(checkout, other)
    assert shell["venv"] == ""
    assert "not a checkout of pipetui" in said
    assert [path.name for path in other.iterdir()] == ["pyproject.toml"]


def test_an_environment_of_make_is_used_and_a_broken_one_is_not_deleted(checkout: Checkout, tools: Path) -> None:
    programs = checkout.here / ".venv/bin"
    programs.mkdir(parents=True)
    write_tool(programs, "pipetui", "made by make")
    write_tool(programs, "python", "#!/usr/bin/env bash\n")
    shell, _ = hook(checkout, checkout.here)
    assert shell["venv"] == str(checkout.here / ".venv")
    assert installations(checkout.env) == []

    (programs / "python").unlink()
    (programs / "python").symlink_to("/nix/store/collected/bin/python3")
    shell, said = hook(checkout, checkout.here)
    assert shell["venv"] == ""
    assert "Remove that folder" in said
    assert (programs / "pipetui").read_text() == "made by make"


GPU = '#!/usr/bin/env bash\necho "NVIDIA RTX 4000"\necho "NVIDIA RTX 5000"\n'


@pytest.mark.parametrize(
    ("nvidia_smi", "name", "says"),
    [
        (None, "default", None),
        (None, "cuda", "no GPU answers"),
        (GPU, "default", "CUDA: NVIDIA RTX 4000. `nix develop .#cuda` adds"),
        (GPU, "cuda", "CUDA: NVIDIA RTX 4000.\n"),
        ("#!/usr/bin/env bash\necho 'driver mismatch'\nexit 9\n", "default", None),
    ],
)
def test_cuda_is_noticed(checkout: Checkout, tools: Path, nvidia_smi: str | None, name: str, says: str | None) -> None:
    if nvidia_smi:
        write_tool(tools, "nvidia-smi", nvidia_smi)
    _, said = hook(checkout, checkout.here, **({"PIPETUI_CUDA": "1"} if name == "cuda" else {}))
    if says is None:
        assert "CUDA" not in said
        assert "GPU" not in said
    else:
        assert says in said


def test_macos_is_told_where_its_browser_comes_from(checkout: Checkout, tools: Path) -> None:
    write_tool(tools, "chromedriver", "#!/usr/bin/env bash\necho ChromeDriver 140.0\n")
    assert "ChromeDriver 140.0" in hook(checkout, checkout.here, EFFECTIVE_OS="darwin")[1]
    assert "ChromeDriver" not in hook(checkout, checkout.here)[1]


# --- nix/run.sh


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """As in the store: nothing may be written."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "pipetui"\n')
    (folder / "pyproject.toml").chmod(0o444)
    folder.chmod(0o555)
    return folder


@pytest.fixture
def command(source: Path, tools: Path) -> list[str]:
    return ["bash", str(ROOT / "nix/run.sh"), str(source), str(tools / "python3"), "1.0-abc", "/libs", "run", "a  b"]


def run(command: list[str], env: dict[str, str], **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env | extra, capture_output=True, text=True, check=False, timeout=30)


def cached(env: dict[str, str]) -> list[str]:
    folder = Path(env["XDG_CACHE_HOME"]) / "pipetui"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_first_start_installs_and_the_second_does_not(
    command: list[str], env: dict[str, str], source: Path
) -> None:
    first = run(command, env, LD_LIBRARY_PATH="/mine", PYTHONPATH="/of/another/python")
    assert first.returncode == 0, first.stderr
    programs = f"{env['XDG_CACHE_HOME']}/pipetui/1.0-abc/bin"
    assert first.stdout.splitlines() == [programs, "/libs:/mine", "", "run", "a  b"]
    assert "first start" in first.stderr
    assert cached(env) == ["1.0-abc"]

    second = run(command, env)
    assert second.stdout.splitlines() == [programs, "/libs", "", "run", "a  b"]
    assert second.stderr == ""
    assert len(installations(env)) == 1
    assert [path.name for path in source.iterdir()] == ["pyproject.toml"], "nothing is written beside the source"


def test_another_version_gets_an_environment_of_its_own(command: list[str], env: dict[str, str]) -> None:
    run(command, env)
    command[command.index("1.0-abc")] = "1.0-def"
    run(command, env)
    assert cached(env) == ["1.0-abc", "1.0-def"]


def test_without_libraries_the_search_path_stays_as_it_was(command: list[str], env: dict[str, str]) -> None:
    command[command.index("/libs")] = ""
    assert run(command, env, LD_LIBRARY_PATH="/mine").stdout.splitlines()[1] == "/mine"


def test_the_cache_folder_without_xdg(command: list[str], env: dict[str, str]) -> None:
    home = env["HOME"]
    del env["XDG_CACHE_HOME"]
    assert run(command, env).stdout.startswith(f"{home}/.cache/pipetui/1.0-abc/bin\n")
    del env["HOME"]
    assert "HOME: is not set" in run(command, env).stderr


def test_a_failed_installation_keeps_nothing_and_is_tried_again(command: list[str], env: dict[str, str]) -> None:
    failed = run(command, env, STUB_PIP="fail")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "no route to PyPI" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("pipetui: could not be installed")
    assert cached(env) == []
    assert run(command, env).returncode == 0


@pytest.mark.parametrize(
    ("sign", "status", "left"),
    [(signal.SIGINT, 130, 0), (signal.SIGTERM, -signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL, 1)],
    ids=["INT", "TERM", "KILL"],
)
def test_an_interrupted_installation_is_never_taken_for_a_whole_one(
    command: list[str], env: dict[str, str], sign: signal.Signals, status: int, left: int
) -> None:
    started = subprocess.Popen(
        command, env=env | {"STUB_PIP": "hang"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 20
    while not installations(env):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(started.pid, sign)  # as the terminal does
    started.communicate(timeout=20)  # until all of the group have closed the pipes
    assert started.returncode == status
    assert "1.0-abc" not in cached(env)
    assert len(cached(env)) == left

    for name in cached(env):  # a day later
        os.utime(Path(env["XDG_CACHE_HOME"]) / "pipetui" / name, (0, 0))
    assert run(command, env).returncode == 0
    assert cached(env) == ["1.0-abc"]


def test_two_at_once_share_what_the_first_one_made(command: list[str], env: dict[str, str]) -> None:
    both = [
        subprocess.Popen(command, env=env | {"STUB_PIP": "meet"}, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=20)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len(installations(env)) == 2
    assert cached(env) == ["1.0-abc"]
    assert [path.name for path in (Path(env["XDG_CACHE_HOME"]) / "pipetui/1.0-abc").iterdir()] == ["bin"]


def test_a_cache_folder_that_cannot_be_written(command: list[str], env: dict[str, str]) -> None:
    Path(env["XDG_CACHE_HOME"]).write_text("a file where the folder should be")
    refused = run(command, env)
    assert refused.returncode == 1
    assert "could not be installed" in refused.stderr


def test_the_package_starts_run_sh_with_its_four_arguments(
    evaluate: Callable[..., Any], env: dict[str, str], tools: Path
) -> None:
    text = evaluate("packages.x86_64-linux.default.text")
    python = re.search(r"\S+/bin/python3\.13", text)
    assert python is not None
    text = text.replace(python[0], str(tools / "python3"))
    done = run(["bash", "-c", text, "pipetui", "--version"], env)
    assert done.returncode == 0, done.stderr
    programs, libraries, _, argument = done.stdout.splitlines()
    assert re.fullmatch(r".*/pipetui/\d+\.\d+\.\d+-[0-9a-f]{12}/bin", programs)
    assert "-cc-lib/lib:" in libraries
    assert argument == "--version"
