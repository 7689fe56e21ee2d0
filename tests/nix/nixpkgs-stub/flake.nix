{
  description = "What flake.nix uses of nixpkgs, for tests: evaluates as nixpkgs would, builds nothing";

  outputs = _: rec {
    lib = import ./lib.nix;
    legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (
      system: import ./. { inherit system; }
    );
  };
}
