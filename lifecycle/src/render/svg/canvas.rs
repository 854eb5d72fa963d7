//! The elements of a drawing, escaped.

use std::fmt::{self, Display, Write as _};

use crate::render::line;

/// What is said once for all elements.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif;font-size:12px;fill:#1f2937}\
.name{font-family:ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}\
.critical{font-weight:700}\
.title{font-size:19px;font-weight:600}.verdict{font-size:13px;fill:#4b5563}.over{fill:#a61b1b;font-weight:600}\
.section{font-size:14px;font-weight:600}.small{font-size:11px;fill:#6b7280}\
.band{font-size:11px;fill:#4b5563;font-weight:600}\
.caption{font-size:11px;fill:#374151}\
.beside{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-opacity:.85}\
.inside{fill:#ffffff}\
.grid{stroke:#e2e7ee;stroke-width:1}.axis{stroke:#9aa5b4;stroke-width:1}\
.grace{stroke:#a61b1b;stroke-width:2}.reserve{stroke:#b7791f;stroke-width:1.5;stroke-dasharray:5 3}\
.inside-line{stroke:#ffffff;stroke-width:1.5;stroke-dasharray:2 2}\
.waited{stroke:#9aa5b4;stroke-width:1.5}.limit{stroke:#1f2937;stroke-width:1.5}\
.drained{stroke:#1f2937;stroke-width:1.5;stroke-dasharray:3 2}\
.room{stroke:#9aa5b4;stroke-width:1;stroke-dasharray:1 3}\
.outcome{font-size:12px;fill:#4b5563}.bad{fill:#a61b1b;font-weight:600}\
.path{stroke:#0b2f6b;stroke-width:2.5;fill:none;stroke-dasharray:1 4;stroke-linecap:round}";

/// A drawing as it grows from top to bottom.
pub(super) struct Canvas {
    body: String,
    pub(super) width: f64,
}

/// Attributes in the order in which they are given.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

impl Canvas {
    pub(super) fn new(width: f64) -> Self {
        Canvas { body: String::with_capacity(16 * 1024), width }
    }

    pub(super) fn element(&mut self, name: &str, attributes: Attributes<'_>) {
        self.open(name, attributes);
        self.body.truncate(self.body.len() - 1);
        self.body.push_str("/>\n");
    }

    pub(super) fn open(&mut self, name: &str, attributes: Attributes<'_>) {
        // Writing to a String does not fail; so below.
        let _ = write!(self.body, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.body, " {key}=\"{}\"", escaped(&value.to_string()));
        }
        self.body.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        let _ = writeln!(self.body, "</{name}>");
    }

    /// Of the group that is open: shown under the pointer, and read aloud.
    pub(super) fn tip(&mut self, text: &str) {
        let _ = writeln!(self.body, "<title>{}</title>", escaped(text));
    }

    /// `anchor` is `start`, `middle` or `end`.
    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        self.open("text", &[("class", &class), ("x", &Px(x)), ("y", &Px(y)), ("text-anchor", &anchor)]);
        self.body.push_str(&escaped(text));
        self.close("text");
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let ends: [(&str, &dyn Display); 5] =
            [("class", &class), ("x1", &Px(x1)), ("y1", &Px(y1)), ("x2", &Px(x2)), ("y2", &Px(y2))];
        self.element("line", &ends);
    }

    pub(super) fn rect(&mut self, rect: Rect, attributes: Attributes<'_>) {
        let place: [(&str, &dyn Display); 4] = [
            ("x", &Px(rect.x)),
            ("y", &Px(rect.y)),
            ("width", &Px(rect.width)),
            ("height", &Px(rect.height)),
        ];
        let all: Vec<(&str, &dyn Display)> = place.iter().chain(attributes).copied().collect();
        self.element("rect", &all);
    }

    pub(super) fn finish(self, height: f64, title: &str, description: &str) -> String {
        let (width, height) = (Px(self.width), Px(height));
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n<style>{STYLE}</style>\n\
             <defs>\n\
             <pattern id=\"over\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#f6d5d5\"/>\
             <rect width=\"3\" height=\"7\" fill=\"#c43d3d\"/></pattern>\n\
             <pattern id=\"kept\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#fdf6e3\"/>\
             <rect width=\"1\" height=\"6\" fill=\"#e6c878\"/></pattern>\n\
             <pattern id=\"slow\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"6\" height=\"6\" fill=\"#fdebd0\"/><rect width=\"2\" height=\"6\" fill=\"#d9822b\"/></pattern>\n\
             <pattern id=\"some\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"6\" height=\"6\" fill=\"#fdf3cf\"/><circle cx=\"3\" cy=\"3\" r=\"1.5\" fill=\"#b7791f\"/></pattern>\n\
             <pattern id=\"severed\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#efe3f4\"/>\
             <path d=\"M0 0H7M0 0V7\" stroke=\"#7b3f98\" stroke-width=\"2.5\"/></pattern>\n\
             <linearGradient id=\"tail\"><stop offset=\"0\" stop-color=\"#d9822b\"/>\
             <stop offset=\"1\" stop-color=\"#d9822b\" stop-opacity=\"0\"/></linearGradient>\n\
             <linearGradient id=\"endless\"><stop offset=\"0\" stop-color=\"#2f62b5\"/>\
             <stop offset=\"1\" stop-color=\"#2f62b5\" stop-opacity=\"0\"/></linearGradient>\n\
             </defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A length with one decimal at most, so that the text stays short and the same everywhere.
struct Px(f64);

impl Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        write!(f, "{tenths}")
    }
}

/// Text for XML, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Not allowed in XML.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
