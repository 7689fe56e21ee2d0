{
  description = "pipetui: guided, repeatable, multi-step jobs in the terminal";

  # flake.lock holds the exact commit. 26.05 is the last release of nixpkgs that serves macOS on x86-64.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      project = (builtins.fromTOML (builtins.readFile ./pyproject.toml)).project;

      forAllSystems =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (
          system: f nixpkgs.legacyPackages.${system}
        );

      # What an installation needs, so that no other edit asks for a new one.
      source = lib.fileset.toSource {
        root = ./.;
        fileset = lib.fileset.unions [
          ./pipetui
          ./pyproject.toml
          ./README.md
          ./LICENSE
        ];
      };

      pythonFor = pkgs: pkgs.python313;

      # What a manylinux wheel may expect of the system (PEP 600), without X11. macOS wheels bring their own.
      wheelLibraries =
        pkgs:
        lib.optionals pkgs.stdenv.hostPlatform.isLinux [
          pkgs.stdenv.cc.cc.lib
          pkgs.zlib
          pkgs.expat
          pkgs.glib
        ];

      # The wheels come from PyPI, so they cannot be built into the store: the program makes its environment in
      # the user's cache folder at its first start. One name for each version of the source and of Python.
      program =
        pkgs:
        let
          python = (pythonFor pkgs).interpreter;
          key = builtins.substring 0 12 (builtins.hashString "sha256" "${source} ${python}");
        in
        pkgs.writeShellScriptBin "pipetui" ''
          PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.findutils ]}:$PATH
          exec ${pkgs.runtimeShell} ${./nix/run.sh} \
            ${source} ${python} ${project.version}-${key} '${lib.makeLibraryPath (wheelLibraries pkgs)}' "$@"
        '';

      # The shells' common part. nixpkgs has Chromium for Linux only; on macOS the compiler is stdenv's clang,
      # since Python's own flags are clang's.
      environment = pkgs: {
        EFFECTIVE_OS = if pkgs.stdenv.hostPlatform.isDarwin then "darwin" else "linux";
        packages = [
          (pythonFor pkgs)
          pkgs.chromedriver
          pkgs.coreutils
          pkgs.figlet
          pkgs.git
          pkgs.gnumake
        ]
        ++ lib.optionals pkgs.stdenv.hostPlatform.isLinux [
          pkgs.chromium
          pkgs.gcc
        ];
        buildInputs = wheelLibraries pkgs; # their headers, for what has no wheel
      }
      // lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
        LD_LIBRARY_PATH = lib.makeLibraryPath (wheelLibraries pkgs);
      };

      hook = ". ${./nix}/shell-hook.sh";

      # The only place where unfree packages are allowed, and none is evaluated elsewhere.
      cudaShell =
        system:
        let
          pkgs = import nixpkgs {
            inherit system;
            config.allowUnfree = true;
          };
          cuda = [
            pkgs.cudaPackages.cuda_cudart
            pkgs.cudaPackages.libcublas
          ];
        in
        pkgs.mkShell (
          environment pkgs
          // {
            PIPETUI_CUDA = "1"; # tells the hook that the libraries are here
            LD_LIBRARY_PATH = lib.makeLibraryPath (wheelLibraries pkgs ++ cuda);
            shellHook = hook;
          }
        );
    in
    {
      packages = forAllSystems (pkgs: {
        default = program pkgs;
      });

      apps = forAllSystems (pkgs: {
        default = {
          type = "app";
          program = "${program pkgs}/bin/pipetui";
          meta.description = project.description;
        };
      });

      devShells = forAllSystems (
        pkgs:
        {
          default = pkgs.mkShell (environment pkgs // { shellHook = hook; });
          quiet = pkgs.mkShell (environment pkgs);
        }
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux { cuda = cudaShell pkgs.stdenv.hostPlatform.system; }
      );

      checks = forAllSystems (pkgs: {
        package = program pkgs;
        scripts = pkgs.runCommand "pipetui-scripts" { nativeBuildInputs = [ pkgs.shellcheck ]; } ''
          shellcheck ${./nix}/*.sh
          touch $out
        '';
        lint = pkgs.runCommand "pipetui-lint" { nativeBuildInputs = [ pkgs.ruff ]; } ''
          ruff check --no-cache ${source}
          touch $out
        '';
      });
    };
}
