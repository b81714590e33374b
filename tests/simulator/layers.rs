//! Who may name whom, over the source itself: no part names one above it, and there are no circles.

use std::collections::{BTreeMap, BTreeSet};
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
const LEAVES: [&str; 7] =
    ["ambient.rs", "credential.rs", "device.rs", "identity.rs", "region.rs", "sealing.rs", "sealing"];

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

/// The place of a module's layer; none where no layer has it.
fn layer_of(module: &Module) -> Option<usize> {
    let part = module.first()?;
    LAYERS.iter().position(|layer| layer.iter().any(|name| name.trim_end_matches(".rs") == part))
}

#[test]
fn no_part_names_a_part_above_it() {
    let mut upward = Vec::new();
    for (module, named) in uses(&modules()) {
        // lib.rs names all.
        let Some(part) = module.first() else { continue };
        let own = layer_of(&module).unwrap_or_else(|| panic!("no layer has {part}"));
        upward
            .extend(named.into_iter().filter(|named| layer_of(named) > Some(own)).map(|named| [module.clone(), named]));
    }
    assert_eq!(upward, Vec::<[Module; 2]>::new());
}

/// The path of a module: `gateway::request` is two names.
type Module = Vec<String>;

/// Every module but tests, with its code: without comments, and without what is compiled for tests alone.
fn modules() -> BTreeMap<Module, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    let mut only_tests = BTreeSet::new();
    for file in files(&source) {
        let mut module: Module =
            file.strip_prefix(&source).unwrap().with_extension("").iter().map(|n| n.to_str().unwrap().into()).collect();
        let name = module.pop().unwrap();
        if !matches!(name.as_str(), "mod" | "lib") {
            module.push(name);
        }
        let (code, tests) = without_tests(&fs::read_to_string(&file).unwrap());
        only_tests.extend(tests.into_iter().map(|name| [module.clone(), vec![name]].concat()));
        modules.insert(module, code);
    }
    modules.retain(|module, _| {
        let name = module.last().map(String::as_str).unwrap_or_default();
        !only_tests.contains(module) && name != "tests" && !name.ends_with("_tests")
    });
    modules
}

/// The code, and the names of the modules that are compiled for tests alone.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let (mut code, mut tests) = (String::new(), Vec::new());
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push_str(line.split(" //").next().unwrap());
            code.push('\n');
            continue;
        }
        let behind = lines.find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
        match behind.split_once("mod ") {
            // Tests stand at the end of a file.
            Some((_, name)) if name.ends_with('{') => break,
            Some((_, name)) => tests.push(name.trim_end_matches(';').to_owned()),
            None => {}
        }
    }
    (code, tests)
}

/// The paths of a tree such as `crate::a::{b, c::{self, d}}`.
fn paths_of(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap().trim().to_owned()];
    };
    let (mut paths, mut depth, mut from) = (Vec::new(), 0, 0);
    let rest = rest.trim_end();
    let rest = rest.strip_suffix('}').unwrap_or(rest);
    for (at, c) in rest.char_indices().chain([(rest.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = rest.get(from..at).unwrap_or_default().trim();
                if !part.is_empty() {
                    paths.extend(paths_of(part).into_iter().map(|path| format!("{}{path}", before.trim())));
                }
                from = at + 1;
            }
            _ => {}
        }
    }
    paths
}

/// Every path in the code: those of its `use` lines, and those that stand in full where they are used.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        match statement.split_once("use ") {
            Some((before, tree)) if tree.contains("::") && !before.ends_with(|c: char| c.is_alphanumeric()) => {
                paths.extend(paths_of(tree.trim_end_matches(';')));
                rest.push_str(before);
            }
            _ => rest.push_str(statement),
        }
    }
    // A visibility is no use.
    let rest: String = rest.split("pub(in ").map(|part| part.split_once(')').map_or(part, |(_, part)| part)).collect();
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    paths.extend(rest.split(|c| !is_path(c)).filter(|word| word.contains("::")).map(str::to_owned));
    paths
}

/// The module that a path in `module` leads to; none where that is another package's.
fn target(path: &str, module: &Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let mut names: Vec<&str> = path.split("::").map(str::trim).filter(|name| !name.is_empty()).collect();
    let mut found = module.clone();
    match *names.first()? {
        "crate" => found.clear(),
        "super" | "self" => {}
        child if modules.contains_key(&[module.clone(), vec![child.to_owned()]].concat()) => names.insert(0, "self"),
        _ => return None,
    }
    for name in names {
        match name {
            "crate" | "self" => {}
            "super" => drop(found.pop()),
            name => {
                found.push(name.to_owned());
                if !modules.contains_key(&found) {
                    found.pop();
                    break;
                }
            }
        }
    }
    Some(found)
}

/// Which module names which.
fn uses(modules: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let targets = |(module, code): (&Module, &String)| {
        let named = paths(code).into_iter().filter_map(|path| target(&path, module, modules));
        (module.clone(), named.filter(|named| named != module).collect())
    };
    modules.iter().map(targets).collect()
}

/// The same between what stands in one folder: a file, or a folder with all that is in it.
fn uses_within(folder: &[String], uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeMap<Module, BTreeSet<Module>> {
    let part = |module: &Module| {
        (module.starts_with(folder) && module.len() > folder.len()).then(|| module[..=folder.len()].to_vec())
    };
    let mut within: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, named) in uses {
        let Some(user) = part(module) else { continue };
        let others = named.iter().filter_map(part).filter(|other| *other != user).collect::<Vec<_>>();
        within.entry(user).or_default().extend(others);
    }
    within
}

/// A circle, if there is one: modules each of which names the next, and the last one the first.
fn circle(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<String>> {
    fn follow(
        module: &Module,
        uses: &BTreeMap<Module, BTreeSet<Module>>,
        way: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|passed| passed == module) {
            return Some(way[at..].iter().map(|module| module.join("::")).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module.clone());
        let found = uses.get(module).into_iter().flatten().find_map(|named| follow(named, uses, way, done));
        way.pop();
        done.insert(module.clone());
        found
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|module| follow(module, uses, &mut Vec::new(), &mut done))
}

/// A circle of files, or of the parts of a folder.
fn circle_anywhere(modules: &BTreeMap<Module, String>) -> Option<Vec<String>> {
    let uses = uses(modules);
    let folders: BTreeSet<&[String]> = modules.keys().flat_map(|m| (0..m.len()).map(|end| &m[..end])).collect();
    circle(&uses).or_else(|| folders.into_iter().find_map(|folder| circle(&uses_within(folder, &uses))))
}

#[test]
fn no_two_files_and_no_two_folders_name_each_other_directly_or_over_others() {
    assert_eq!(circle_anywhere(&modules()), None);
}

#[test]
fn a_circle_is_found_whatever_form_its_paths_have() {
    let path = |text: &str| -> Module { text.split("::").map(str::to_owned).collect() };
    let planted = |module: &str, line: &str| {
        let mut modules = modules();
        modules.get_mut(&path(module)).unwrap_or_else(|| panic!("{module}")).push_str(line);
        circle_anywhere(&modules)
    };
    for (module, line) in [
        ("jose::flaw", "use super::jwt::Jwt;"),
        ("jose::flaw", "use crate::{http, jose::{self, jwt}};"),
        ("jose::flaw", "fn f() { crate::jose::jwt::payload(\"\"); }"),
        // Over a parent, which names its children.
        ("jose::flaw", "use super::Jwt;"),
        ("gateway::problem", "use crate::gateway::answer::html;"),
        // No file of one names a file of the other that names it.
        ("gateway::request::csrf", "use crate::gateway::answer::html;"),
        ("actors::session::standing", "use crate::actors::directory::row::MARGIN;"),
    ] {
        assert!(planted(module, line).is_some(), "{module}: {line}");
    }
}
