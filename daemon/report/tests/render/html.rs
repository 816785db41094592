//! A page as a browser reads it, and what a browser would have to forgive.

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink as _, tokenizer::TokenizerOpts};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// A page.
pub struct Html {
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// Its elements, in their order.
    pub elements: Vec<Element>,
}

/// An element of it.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// All text in it.
    pub text: String,
    /// Names of the elements around it, the innermost last.
    pub around: Vec<String>,
    /// Names of the elements in it.
    pub within: Vec<String>,
}

impl Html {
    pub fn parse(text: &str) -> Html {
        let tokenizer = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
        let options = ParseOpts { tokenizer, ..ParseOpts::default() };
        let dom: RcDom = parse_document(RcDom::default(), options).one(text);
        let mut elements = Vec::new();
        walk(&dom.document, &mut Vec::new(), &mut elements);
        let errors = dom.errors.borrow().iter().map(ToString::to_string).collect();
        Html { errors, elements }
    }

    /// The elements of this name.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Text and names of what is in a node.
fn walk(node: &Handle, around: &mut Vec<String>, elements: &mut Vec<Element>) -> (String, Vec<String>) {
    let place = elements.len();
    let name = match &node.data {
        NodeData::Text { contents } => return (contents.borrow().to_string(), Vec::new()),
        NodeData::Element { name, attrs, .. } => {
            let attributes = attrs
                .borrow()
                .iter()
                .map(|attr| (attr.name.local.to_string(), attr.value.to_string()))
                .collect();
            let name = name.local.to_string();
            let (text, within) = (String::new(), Vec::new());
            elements.push(Element { name: name.clone(), attributes, text, around: around.clone(), within });
            around.push(name.clone());
            Some(name)
        }
        _ => None,
    };
    let (mut text, mut within) = (String::new(), Vec::new());
    for child in node.children.borrow().iter() {
        let (more, names) = walk(child, around, elements);
        text += &more;
        within.extend(names);
    }
    if let Some(name) = name {
        around.pop();
        elements[place].text.clone_from(&text);
        elements[place].within.clone_from(&within);
        within.push(name);
    }
    (text, within)
}
