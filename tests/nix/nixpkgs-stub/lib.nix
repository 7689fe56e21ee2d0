# The functions of nixpkgs' lib that flake.nix uses, with the same arguments and results.
rec {
  genAttrs =
    names: f:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = f name;
      }) names
    );
  optionals = condition: list: if condition then list else [ ];
  optionalAttrs = condition: set: if condition then set else { };
  makeSearchPath =
    folder: packages: builtins.concatStringsSep ":" (map (package: "${package}/${folder}") packages);
  makeBinPath = makeSearchPath "bin";
  makeLibraryPath = makeSearchPath "lib";

  # A file set is a list of paths here.
  fileset = {
    unions =
      paths:
      map (path: if builtins.pathExists path then path else throw "${toString path} does not exist") paths;
    toSource =
      { root, fileset }:
      {
        outPath = builtins.path {
          name = "source";
          path = root;
          filter =
            file: _:
            builtins.any (
              path:
              file == toString path
              || builtins.substring 0 (builtins.stringLength "${toString path}/") file == "${toString path}/"
            ) fileset;
        };
      };
  };
}
