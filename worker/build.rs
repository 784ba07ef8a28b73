//! Digests the sources, so that a worker of another build is told from one of this.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let mut digest = 0xcbf2_9ce4_8422_2325;
    add(Path::new("src"), &mut digest)?;
    // Layouts follow the compiler, too.
    let target = env::var("TARGET").unwrap_or_default();
    hash(target.as_bytes(), &mut digest);
    println!("cargo::rustc-env=PARZEN_SOURCES={digest:016x}");
    Ok(())
}

/// Adds a folder, in the order of its names.
fn add(folder: &Path, digest: &mut u64) -> io::Result<()> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(&path, digest)?;
        } else {
            hash(path.as_os_str().as_encoded_bytes(), digest);
            hash(&fs::read(path)?, digest);
        }
    }
    Ok(())
}

/// FNV-1a.
fn hash(bytes: &[u8], digest: &mut u64) {
    for byte in bytes {
        *digest = (*digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    }
}
