# A package is an empty derivation. As in nixpkgs, one that its platform does not have, or that is unfree where
# that was not allowed, is an error as soon as it is looked at; so is one that is not listed here.
{
  system,
  config ? { },
}:
let
  lib = import ./lib.nix;
  isLinux = builtins.match ".*-linux" system != null;

  build =
    name: attributes:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
      }
      // attributes
    );

  free = name: build name { };
  linuxOnly = name: if isLinux then free name else throw "${name} is not available on ${system}";
  unfree =
    name:
    if config.allowUnfree or false then linuxOnly name else throw "${name} has an unfree license";
in
{
  inherit lib;
  stdenv = {
    hostPlatform = {
      inherit system isLinux;
      isDarwin = !isLinux;
    };
    cc.cc.lib = free "cc-lib";
  };
  runtimeShell = "/usr/bin/env bash";
  mkShell = build "shell";
  runCommand =
    name: attributes: script:
    build name (attributes // { inherit script; });
  writeShellScriptBin = name: text: build name { inherit text; };

  python313 =
    let
      python = free "python3";
    in
    python // { interpreter = "${python}/bin/python3.13"; };
  cudaPackages = lib.genAttrs [
    "cuda_cudart"
    "libcublas"
  ] unfree;
  chromium = linuxOnly "chromium";
}
// lib.genAttrs [
  "chromedriver"
  "coreutils"
  "expat"
  "figlet"
  "findutils"
  "gcc"
  "git"
  "glib"
  "gnumake"
  "ruff"
  "shellcheck"
  "zlib"
] free
