//! Who may name whom, over the source itself.

use std::fs;
use std::path::{Path, PathBuf};

fn files(of: &Path) -> Vec<PathBuf> {
    if of.is_file() {
        return vec![of.to_owned()];
    }
    fs::read_dir(of).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The lines of code that name one of `names`, comments aside.
fn naming(parts: &[&str], names: &[&str]) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    // Each name with what stands around it: nothing, or something that is no part of a word.
    let is_named = |line: &str, name: &str| {
        let mut parts = line.split(name).peekable();
        let mut found = false;
        while let (Some(before), Some(after)) = (parts.next(), parts.peek()) {
            found |= !before.ends_with(is_word) && !after.starts_with(is_word);
        }
        found
    };
    let mut found = Vec::new();
    for file in parts.iter().flat_map(|part| files(&source.join(part))) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            if names.iter().any(|name| is_named(line, name)) {
                found.push(format!("{}: {}", file.strip_prefix(&source).unwrap().display(), line.trim()));
            }
        }
    }
    found
}

/// What runs natively.
const NATIVE: [&str; 10] = [
    "actors",
    "store",
    "provider",
    "config",
    "config.rs",
    "runtime",
    "sealing.rs",
    "credential.rs",
    "region.rs",
    "store/neon.rs",
];

#[test]
fn nothing_but_the_platform_and_the_gateway_names_the_platform() {
    let names = ["worker", "wasm_bindgen", "wasm_bindgen_futures", "js_sys", "web_sys", "getrandom", "platform"];
    assert_eq!(naming(&NATIVE, &names), Vec::<String>::new());
    assert_eq!(naming(&NATIVE, &["ambient::now", "ambient::random"]), Vec::<String>::new());
    assert!(naming(&["platform"], &names).len() > 20, "the search finds nothing at all");
}
