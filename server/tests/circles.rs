//! No two files of a crate import each other, directly or by way of others.
//!
//! An import is a `use`, or a path in the code, that begins with `crate`, `self`, `super` or a module of the file. It leads to the
//! file that defines the name: a file that only hands names on (`pub use`) is passed through. Tests are left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, ItemMod, UseTree, Visibility, visit::Visit};

/// A module: a file, or a block in one.
#[derive(Debug)]
struct Module {
    file: PathBuf,
    /// What is defined here, with the modules that are.
    items: BTreeSet<String>,
    /// What is re-exported: the name here, and where it is from.
    exports: Vec<(String, Vec<String>)>,
    /// Modules whose every name is re-exported.
    globs: Vec<Vec<String>>,
    /// The paths that the code names.
    paths: Vec<Vec<String>>,
}

/// The modules of a crate, each by its path.
type Modules = BTreeMap<Vec<String>, Module>;

/// Which file imports what from which.
type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = quote::quote!(#attribute).to_string();
        text.contains("cfg") && (text.contains("test") || text.contains("fuzzing"))
    })
}

fn read_crate(root: &Path) -> Modules {
    let mut modules = Modules::new();
    let folder = root.parent().unwrap().to_owned();
    read_file(root, &folder, Vec::new(), &mut modules);
    modules
}

fn read_file(file: &Path, folder: &Path, path: Vec<String>, modules: &mut Modules) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    read_items(&parsed.items, file, folder, path, modules);
}

fn read_items(
    items: &[Item],
    file: &Path,
    folder: &Path,
    path: Vec<String>,
    modules: &mut Modules,
) {
    let mut reading = Reading {
        module: Module {
            file: file.to_owned(),
            items: BTreeSet::new(),
            exports: Vec::new(),
            globs: Vec::new(),
            paths: Vec::new(),
        },
        inner: Vec::new(),
    };
    for item in items {
        reading.visit_item(item);
    }
    for inner in reading.inner {
        let name = inner.ident.to_string();
        let below = [path.clone(), vec![name.clone()]].concat();
        let folder_below = folder.join(&name);
        match inner.content {
            Some((_, items)) => read_items(&items, file, &folder_below, below, modules),
            None => {
                let flat = folder.join(format!("{name}.rs"));
                let file = match flat.exists() {
                    true => flat,
                    false => folder_below.join("mod.rs"),
                };
                read_file(&file, &folder_below, below, modules);
            }
        }
    }
    modules.insert(path, reading.module);
}

/// Collects what one module defines and names.
struct Reading {
    module: Module,
    inner: Vec<ItemMod>,
}

impl Reading {
    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Mod(item) => &item.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            _ => return,
        };
        self.module.items.insert(name.to_string());
    }

    fn import(&mut self, tree: &UseTree, prefix: &[String], hands_on: bool) {
        let with = |name: String| [prefix.to_vec(), vec![name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.import(&path.tree, &with(path.ident.to_string()), hands_on);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix, hands_on);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.add(None, prefix.to_vec(), hands_on)
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.add(Some(name.clone()), with(name), hands_on);
            }
            UseTree::Rename(renamed) => {
                let path = with(renamed.ident.to_string());
                self.add(Some(renamed.rename.to_string()), path, hands_on);
            }
            UseTree::Glob(_) if hands_on => self.module.globs.push(prefix.to_vec()),
            UseTree::Glob(_) => self.module.paths.push(prefix.to_vec()),
        }
    }

    fn add(&mut self, name: Option<String>, path: Vec<String>, hands_on: bool) {
        if hands_on {
            let name = name.or_else(|| path.last().cloned());
            self.module.exports.push((name.unwrap_or_default(), path));
        } else {
            self.module.paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reading {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if is_test(attributes) {
            return;
        }
        self.define(item);
        match item {
            Item::Mod(inner) => self.inner.push(inner.clone()),
            Item::Use(item) => {
                let hands_on = !matches!(item.vis, Visibility::Inherited);
                self.import(&item.tree, &[], hands_on);
            }
            _ => syn::visit::visit_item(self, item),
        }
    }

    // The path of a visibility is no import.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments = path.segments.iter();
            let path = segments.map(|segment| segment.ident.to_string()).collect();
            self.module.paths.push(path);
        }
        syn::visit::visit_path(self, path);
    }
}

/// The path from the crate's root, if the path is of the crate.
fn absolute(path: &[String], at: &[String], modules: &Modules) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([at, rest].concat()),
        "super" => {
            let (_, above) = at.split_last()?;
            match rest.first().map(String::as_str) {
                Some("super") => absolute(rest, above, modules),
                _ => Some([above, rest].concat()),
            }
        }
        name => {
            let below = [at, &[name.to_owned()]].concat();
            modules
                .contains_key(&below)
                .then(|| [below, rest.to_vec()].concat())
        }
    }
}

/// The module that defines what a path from the root names.
fn definer(path: &[String], modules: &Modules, depth: usize) -> Option<Vec<String>> {
    let known = (0..=path.len())
        .rev()
        .find(|length| modules.contains_key(&path[..*length]))?;
    let at = path[..known].to_vec();
    let module = &modules[&at];
    let Some(name) = path.get(known) else {
        return Some(at);
    };
    if module.items.contains(name) || depth == 0 {
        return Some(at);
    }
    let named = module.exports.iter().filter(|(export, _)| export == name);
    let globs = module
        .globs
        .iter()
        .map(|glob| [glob, &path[known..=known]].concat());
    let mut ways = named.map(|(_, path)| path.clone()).chain(globs);
    ways.find_map(|way| {
        let way = absolute(&way, &at, modules)?;
        definer(&way, modules, depth - 1)
    })
    .or(Some(at))
}

fn imports(modules: &Modules) -> Imports {
    let mut imports = Imports::new();
    for (at, module) in modules {
        let from = imports.entry(module.file.clone()).or_default();
        for path in &module.paths {
            let target = absolute(path, at, modules).and_then(|path| definer(&path, modules, 8));
            if let Some(target) = target {
                let file = &modules[&target].file;
                if *file != module.file {
                    from.entry(file.clone())
                        .or_default()
                        .insert(path.join("::"));
                }
            }
        }
    }
    imports
}

/// The files that import each other, circle by circle.
fn circles(imports: &Imports) -> Vec<Vec<PathBuf>> {
    let reach = |from: &PathBuf| -> BTreeSet<PathBuf> {
        let (mut seen, mut due) = (BTreeSet::new(), vec![from]);
        while let Some(file) = due.pop() {
            for next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    due.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&PathBuf, BTreeSet<PathBuf>> =
        imports.keys().map(|file| (file, reach(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, targets) in &reached {
        if targets.contains(*file) {
            let both = targets
                .iter()
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(*file)));
            circles.insert(both.cloned().collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

/// What ties the files of a circle.
fn ties(circle: &[PathBuf], imports: &Imports, workspace: &Path) -> Vec<String> {
    let short = |file: &Path| {
        file.strip_prefix(workspace)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let mut ties = Vec::new();
    for file in circle {
        for (other, names) in imports.get(file).into_iter().flatten() {
            if circle.contains(other) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                ties.push(format!(
                    "  {} -> {}: {}",
                    short(file),
                    short(other),
                    names.join(", ")
                ));
            }
        }
    }
    ties
}

#[test]
fn no_files_import_each_other() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut roots = vec![workspace.join("app/src/lib.rs")];
    for folder in ["app", "server"] {
        for entry in fs::read_dir(workspace.join(folder)).unwrap() {
            roots.push(entry.unwrap().path().join("src/lib.rs"));
        }
    }
    roots.push(workspace.join("server/src/lib.rs"));
    roots.retain(|root| root.exists());
    assert!(roots.len() >= 6, "{roots:?}");
    let mut found = Vec::new();
    for root in roots {
        let imports = imports(&read_crate(&root));
        for circle in circles(&imports) {
            found.push("a circle:".to_owned());
            found.extend(ties(&circle, &imports, workspace));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Reads a crate of these files.
fn crate_of(name: &str, files: &[(&str, &str)]) -> Imports {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (file, text) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    imports(&read_crate(&folder.join("lib.rs")))
}

fn names(circles: Vec<Vec<PathBuf>>) -> Vec<Vec<String>> {
    let name = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
    circles
        .iter()
        .map(|circle| circle.iter().map(name).collect())
        .collect()
}

#[test]
fn a_circle_is_found_by_whatever_way_it_is_imported() {
    let root = ("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
    // By a re-exported name, and by a path in the code.
    let files = [
        root,
        ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
        ("b.rs", "pub struct B;\nfn f() { crate::c::g() }\n"),
        (
            "c.rs",
            "use super::A;\npub fn g() { let _: Option<A> = None; }\n",
        ),
    ];
    let found = names(circles(&crate_of("circle", &files)));
    assert_eq!(found, [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn what_is_handed_on_and_what_tests_import_is_no_circle() {
    let files = [
        (
            "lib.rs",
            "mod a;\nmod b;\npub use a::A;\npub use b::*;\npub trait T {}\n",
        ),
        (
            "a.rs",
            "use crate::T;\npub struct A;\nimpl T for A {}\n#[cfg(test)]\nmod tests { use crate::B; }\n",
        ),
        ("b.rs", "use crate::A;\npub struct B(A);\n"),
    ];
    assert_eq!(names(circles(&crate_of("none", &files))), [[""; 0]; 0]);
}
