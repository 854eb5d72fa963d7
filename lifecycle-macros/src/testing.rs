//! What the unit tests share.

use expect_test::Expect;
use proc_macro2::{Group, TokenStream, TokenTree};

/// Compares an expansion, formatted, with a snapshot.
pub(crate) fn expands(tokens: TokenStream, expected: &Expect) {
    let tokens = open_macros(tokens);
    let file: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|error| panic!("{error}: {tokens}"));
    expected.assert_eq(&prettyplease::unparse(&file));
}

/// The words of every `compile_error!` among the tokens.
pub(crate) fn errors(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut trees = tokens.into_iter();
    while let Some(tree) = trees.next() {
        if !matches!(&tree, TokenTree::Ident(ident) if ident == "compile_error") {
            continue;
        }
        if let Some(TokenTree::Group(group)) = trees.nth(1) {
            let text: syn::LitStr = syn::parse2(group.stream()).unwrap();
            found.push(text.value());
        }
    }
    found
}

/// What `items!` is given stands for it: the formatter leaves a macro's input alone.
fn open_macros(tokens: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = Vec::new();
    for tree in tokens {
        let TokenTree::Group(group) = tree else {
            trees.push(tree);
            continue;
        };
        let inside = open_macros(group.stream());
        if matches!(&*trees, [.., TokenTree::Ident(name), TokenTree::Punct(_)] if name == "items") {
            // `path::items!`
            let path = trees.iter().rposition(|tree| !is_of_path(tree)).map_or(0, |at| at + 1);
            trees.truncate(path);
            trees.extend(inside);
        } else {
            trees.push(Group::new(group.delimiter(), inside).into());
        }
    }
    trees.into_iter().collect()
}

fn is_of_path(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => matches!(punct.as_char(), ':' | '!'),
        _ => false,
    }
}
