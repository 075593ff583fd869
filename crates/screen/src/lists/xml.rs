//! A walk over XML from a stranger: streaming, by local names, and bounded.
//!
//! Memory is bounded by [`EVENT_BYTES_MAX`] and [`DEPTH_MAX`], not by the file.
//! Entities of a document type are neither read nor expanded, and a document
//! that declares any is refused.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::error::{ListError, Place};

/// The longest single tag, text or comment. OFAC's longest is some kilobytes.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// The longest text of an element that is kept.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// OFAC nests nine deep.
const DEPTH_MAX: usize = 64;
/// The longest element that is held whole, and the most elements in it.
const TREE_BYTES_MAX: usize = 4 << 20;
const TREE_ELEMENTS_MAX: usize = 50_000;

pub struct Xml<R: BufRead> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    /// Local names from the root to the open element: `Sanctions/DateOfIssue`.
    path: String,
    depth: usize,
    /// What stands between `<` and `>` of the element last opened.
    tag: String,
    name_len: usize,
}

impl<R: BufRead> Xml<R> {
    /// Opens the root element, which must have one of these local names.
    pub fn root(input: R, names: &[&str]) -> Result<Xml<R>, ListError> {
        let mut reader = Reader::from_reader(Bounded { input, left: EVENT_BYTES_MAX });
        reader.config_mut().expand_empty_elements = true;
        let mut xml = Xml {
            reader,
            buffer: Vec::new(),
            path: String::new(),
            depth: 0,
            tag: String::new(),
            name_len: 0,
        };
        let expected = format!("the root element {}", names.join(" or "));
        match xml.step()? {
            Step::Open if names.contains(&xml.name()) => Ok(xml),
            Step::Open => Err(xml.error(&expected, xml.name())),
            _ => Err(xml.error(&expected, "no element")),
        }
    }

    /// Opens the next child of the open element; false closes that element.
    pub fn child(&mut self) -> Result<bool, ListError> {
        loop {
            match self.step()? {
                Step::Open => return Ok(true),
                Step::Close => return Ok(false),
                Step::Text(_) => {}
                Step::End => return Err(self.truncated()),
            }
        }
    }

    /// The local name of the element last opened.
    pub fn name(&self) -> &str {
        let name = &self.tag[..self.name_len];
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    /// An attribute of the element last opened.
    pub fn attribute(&self, name: &str) -> Result<Option<String>, ListError> {
        let start = BytesStart::from_content(self.tag.as_str(), self.name_len);
        for attribute in start.attributes().with_checks(false) {
            let attribute =
                attribute.map_err(|e| self.error("well-formed attributes", &e.to_string()))?;
            if attribute.key.local_name().as_ref() == name {
                return Ok(Some(attribute.value.to_string()));
            }
        }
        Ok(None)
    }

    /// The namespace that the element last opened declares for itself; empty where it declares none.
    pub fn namespace(&self) -> Result<String, ListError> {
        let name = &self.tag[..self.name_len];
        let declared = match name.split_once(':') {
            Some((prefix, _)) => format!("xmlns:{prefix}"),
            None => "xmlns".to_string(),
        };
        let found = self.attributes()?.into_iter().find(|(key, _)| *key == declared);
        Ok(found.map(|(_, value)| value).unwrap_or_default())
    }

    /// Those of the element last opened, by their whole names.
    fn attributes(&self) -> Result<Vec<(String, String)>, ListError> {
        let start = BytesStart::from_content(self.tag.as_str(), self.name_len);
        let mut found = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute =
                attribute.map_err(|e| self.error("well-formed attributes", &e.to_string()))?;
            found.push((attribute.key.as_ref().to_string(), attribute.value.to_string()));
        }
        Ok(found)
    }

    pub fn required(&self, name: &str) -> Result<String, ListError> {
        self.attribute(name)?.ok_or_else(|| self.error(&format!("the attribute {name}"), "none"))
    }

    /// Is this attribute of the open element the word `true`?
    pub fn is_true(&self, name: &str) -> Result<bool, ListError> {
        Ok(self.attribute(name)?.as_deref() == Some("true"))
    }

    /// The texts of the children of the open element that bear this name, trimmed; closes it.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, ListError> {
        let mut texts = Vec::new();
        while self.child()? {
            match self.name() == name {
                true => texts.push(self.text()?),
                false => self.skip()?,
            }
        }
        texts.retain(|text| !text.is_empty());
        Ok(texts)
    }

    /// The texts of the children of the open element by their names, trimmed; closes it. A name
    /// that comes again is kept once for each.
    pub fn fields(&mut self) -> Result<Fields, ListError> {
        let mut fields = Fields::default();
        while self.child()? {
            let name = self.name().to_string();
            let text = self.text()?;
            if !text.is_empty() {
                fields.0.push((name, text));
            }
        }
        Ok(fields)
    }

    /// The open element with all that is in it, for one that is small; closes it.
    pub fn tree(&mut self) -> Result<Node, ListError> {
        let mut left = TREE_ELEMENTS_MAX;
        let mut bytes = TREE_BYTES_MAX;
        self.grow(&mut left, &mut bytes)
    }

    fn grow(&mut self, left: &mut usize, bytes: &mut usize) -> Result<Node, ListError> {
        *bytes = bytes.saturating_sub(self.tag.len());
        let mut node = Node { name: self.name().to_string(), ..Node::default() };
        if self.tag.len() > self.name_len {
            node.attributes = self.attributes()?;
        }
        loop {
            match self.step()? {
                Step::Text(part) => {
                    *bytes = bytes.saturating_sub(part.len());
                    node.text.push_str(&part);
                }
                Step::Open => {
                    *left = left.saturating_sub(1);
                    if *left > 0 && *bytes > 0 {
                        node.children.push(self.grow(left, bytes)?);
                    }
                }
                Step::Close => {
                    node.text = node.text.trim().to_string();
                    return Ok(node);
                }
                Step::End => return Err(self.truncated()),
            }
            if *left == 0 || *bytes == 0 {
                let most =
                    format!("at most {TREE_ELEMENTS_MAX} elements of {TREE_BYTES_MAX} bytes");
                return Err(self.error(&most, "more"));
            }
        }
    }

    /// The text of the open element, trimmed; closes it. Elements inside are passed over.
    pub fn text(&mut self) -> Result<String, ListError> {
        let mut text = String::new();
        loop {
            match self.step()? {
                Step::Text(part) => text.push_str(&part),
                Step::Open => self.skip()?,
                Step::Close => return Ok(text.trim().to_string()),
                Step::End => return Err(self.truncated()),
            }
            if text.len() > TEXT_BYTES_MAX {
                return Err(self.error(&format!("at most {TEXT_BYTES_MAX} bytes of text"), "more"));
            }
        }
    }

    /// Closes the open element without looking at it.
    pub fn skip(&mut self) -> Result<(), ListError> {
        let mut open = 1;
        while open > 0 {
            match self.step()? {
                Step::Open => open += 1,
                Step::Close => open -= 1,
                Step::Text(_) => {}
                Step::End => return Err(self.truncated()),
            }
        }
        Ok(())
    }

    /// Nothing but blanks may follow the root element.
    pub fn end(mut self) -> Result<(), ListError> {
        loop {
            match self.step()? {
                Step::End => return Ok(()),
                Step::Text(text) if text.trim().is_empty() => {}
                _ => return Err(self.error("the end of the file", "more of it")),
            }
        }
    }

    pub fn error(&self, expected: &str, found: &str) -> ListError {
        ListError {
            place: Place::Byte {
                position: self.reader.buffer_position().max(self.reader.error_position()),
                element: self.path.clone(),
            },
            expected: expected.to_string(),
            found: found.to_string(),
            cause: None,
        }
    }

    fn truncated(&self) -> ListError {
        self.error("the end of this element", "the end of the file")
    }

    fn step(&mut self) -> Result<Step, ListError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().left = EVENT_BYTES_MAX;
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.unreadable(error)),
            };
            match event {
                Event::Start(start) => {
                    self.name_len = start.name().as_ref().len();
                    self.tag.clear();
                    self.tag.push_str(&start);
                    return self.opened();
                }
                Event::End(_) => {
                    self.closed();
                    return Ok(Step::Close);
                }
                Event::Text(text) if self.depth > 0 => {
                    return Ok(Step::Text(text.xml10_content().into_owned()));
                }
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Text(_) => return Err(self.error("an element", "text outside of any")),
                Event::CData(text) => return Ok(Step::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(entity) => {
                    let text = resolve(&entity);
                    let name = entity.to_string();
                    return text.map(Step::Text).ok_or_else(|| {
                        self.error("a character or a predefined entity", &format!("&{name};"))
                    });
                }
                Event::DocType(text) if text.contains('[') => {
                    return Err(
                        self.error("no document type of its own", "a DOCTYPE with declarations")
                    );
                }
                Event::Decl(declaration) => {
                    let encoding = declaration
                        .encoding()
                        .and_then(Result::ok)
                        .map(std::borrow::Cow::into_owned);
                    if let Some(encoding) =
                        encoding.filter(|name| !name.eq_ignore_ascii_case("utf-8"))
                    {
                        return Err(self.error("UTF-8", &encoding));
                    }
                }
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof => return Ok(Step::End),
            }
        }
    }

    fn opened(&mut self) -> Result<Step, ListError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(
                self.error(&format!("at most {DEPTH_MAX} elements inside each other"), "more")
            );
        }
        if self.depth > 1 {
            self.path.push('/');
        }
        let name = &self.tag[..self.name_len];
        self.path.push_str(name.rsplit_once(':').map_or(name, |(_, local)| local));
        Ok(Step::Open)
    }

    fn closed(&mut self) {
        self.depth -= 1;
        self.path.truncate(self.path.rfind('/').unwrap_or(0));
    }

    fn unreadable(&self, error: Error) -> ListError {
        match error {
            Error::Io(cause) => self
                .error("more of the file", "bytes that cannot be read")
                .because(io::Error::new(cause.kind(), cause)),
            other => self.error("well-formed XML", &other.to_string()),
        }
    }
}

/// What the children of an element say, without the empty ones.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of the first child of this name; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

/// An element that is held whole.
#[derive(Debug, Default)]
pub struct Node {
    pub name: String,
    /// Its own, trimmed.
    pub text: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

impl Node {
    /// The elements of this name at any depth that have no such element around them.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Node> {
        let mut found = Vec::new();
        self.gather(name, &mut found);
        found.into_iter()
    }

    /// The text of the first element of this name; empty where there is none.
    pub fn first(&self, name: &str) -> &str {
        self.all(name).map(|node| node.text.as_str()).find(|t| !t.is_empty()).unwrap_or_default()
    }

    /// What the attribute of this name says; nothing where there is none.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Its own children of this name.
    pub fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of this name in its children of that one: `names`, `name`.
    pub fn within<'a>(&'a self, group: &'a str, name: &'a str) -> impl Iterator<Item = &'a Node> {
        self.each(group).flat_map(move |group| group.each(name))
    }

    /// The text of its first child of this name; empty where there is none.
    pub fn told(&self, name: &str) -> &str {
        let child = self.children.iter().find(|child| child.name == name);
        child.map(|child| child.text.as_str()).unwrap_or_default()
    }

    fn gather<'a>(&'a self, name: &str, found: &mut Vec<&'a Node>) {
        for child in &self.children {
            match child.name == name {
                true => found.push(child),
                false => child.gather(name, found),
            }
        }
    }
}

enum Step {
    Open,
    Close,
    Text(String),
    /// Of the file.
    End,
}

fn resolve(entity: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return Some(character.to_string());
    }
    Some(
        match &**entity {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => return None,
        }
        .to_string(),
    )
}

/// Fails once one event has taken more than its share, so that a file of one
/// endless text cannot fill the memory.
struct Bounded<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(format!(
                "one piece of XML is longer than {EVENT_BYTES_MAX} bytes"
            )));
        }
        let bytes = self.input.fill_buf()?;
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(buffer)?;
        self.consume(amount);
        Ok(amount)
    }
}
