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

/// What may be named by all.
const LEAVES: [&str; 6] = ["ambient.rs", "credential.rs", "identity.rs", "region.rs", "sealing.rs", "sealing"];

/// The parts, the lowest first. Each may name those before it and the leaves.
const LAYERS: [&[&str]; 10] = [
    &LEAVES,
    &["runtime"],
    &["config.rs", "config"],
    &["http.rs"],
    &["jose"],
    &["store"],
    &["provider"],
    &["actors"],
    &["gateway"],
    &["platform", "lib.rs"],
];

#[test]
fn nothing_but_the_platform_names_the_platform() {
    let names = ["worker", "wasm_bindgen", "wasm_bindgen_futures", "js_sys", "web_sys", "getrandom", "platform"];
    let native = LAYERS[..9].concat();
    assert_eq!(naming(&native, &names), Vec::<String>::new());
    assert!(naming(&["platform"], &names).len() > 20, "the search finds nothing at all");
}

#[test]
fn no_part_names_a_part_above_it() {
    for (at, layer) in LAYERS.iter().enumerate() {
        let above = LAYERS[at + 1..].concat();
        let above: Vec<String> = above.iter().map(|part| format!("crate::{}", part.trim_end_matches(".rs"))).collect();
        let above: Vec<&str> = above.iter().map(String::as_str).collect();
        assert_eq!(naming(layer, &above), Vec::<String>::new());
    }
}
