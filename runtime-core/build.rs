use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    napi_build::setup();
    let helper = build_init();
    println!("cargo:rustc-env=TSBUILD_INIT={}", helper.display());
}

/// Compiles the sandbox's helper, a crate of its own because it is linked in another way. It has no dependencies: no network.
fn build_init() -> PathBuf {
    let crate_dir = Path::new(&variable("CARGO_MANIFEST_DIR")).join("init");
    for input in [
        "src",
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        ".cargo/config.toml",
    ] {
        println!("cargo:rerun-if-changed={}", crate_dir.join(input).display());
    }
    let target_dir = Path::new(&variable("OUT_DIR")).join("init");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--offline", "--target-dir"])
        .arg(&target_dir)
        .current_dir(&crate_dir);
    // The flags and wrappers of the outer build (clippy, sanitizers, linkers) are not for this one.
    for inherited in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(inherited);
    }
    let (host, target) = (variable("HOST"), variable("TARGET"));
    let mut directory = target_dir;
    if host != target {
        cargo.args(["--target", &target]);
        directory.push(&target);
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the sandbox's helper does not compile");
    directory.join("release/tsbuild-init")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
