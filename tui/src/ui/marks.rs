//! What was looked for, marked wherever it stands on the screen.

use ratatui::text::{Line, Span};
use tailwater_core::{
    app::App,
    text::{find, safe::visible},
};

use super::Theme;

/// What is marked, as it looks on the screen.
pub struct Marks {
    texts: Vec<String>,
    theme: Theme,
}

impl Marks {
    /// What is looked for now.
    pub fn of(app: &App, theme: Theme) -> Self {
        Self { texts: app.marks().iter().map(|text| visible(text).to_lowercase()).collect(), theme }
    }

    /// Where the first of it stands in a text.
    pub fn first_in(&self, text: &str) -> Option<usize> {
        self.texts.iter().filter_map(|wanted| find::places(text, wanted).first().map(|place| place.start)).min()
    }

    /// The line with all of it marked.
    pub fn on(&self, line: Line<'static>) -> Line<'static> {
        if self.texts.is_empty() {
            return line;
        }
        let spans = line.spans.into_iter().flat_map(|span| self.split(span)).collect::<Vec<_>>();
        Line { spans, ..line }
    }

    fn split(&self, span: Span<'static>) -> Vec<Span<'static>> {
        let mut places: Vec<_> = self.texts.iter().flat_map(|wanted| find::places(&span.content, wanted)).collect();
        if places.is_empty() {
            return vec![span];
        }
        places.sort_unstable_by_key(|place| (place.start, place.end));
        let mut spans = Vec::new();
        let mut at = 0;
        for place in places {
            // Two of what is looked for may overlap.
            let start = place.start.max(at);
            if place.end <= start {
                continue;
            }
            if start > at {
                spans.push(Span::styled(span.content[at..start].to_owned(), span.style));
            }
            spans.push(Span::styled(span.content[start..place.end].to_owned(), span.style.patch(self.theme.found())));
            at = place.end;
        }
        if at < span.content.len() {
            spans.push(Span::styled(span.content[at..].to_owned(), span.style));
        }
        spans
    }
}
