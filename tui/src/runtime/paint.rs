//! Draws the app where no terminal is.

use std::{io::Write, path::Path};

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use tailwater_core::app::{App, ThemeName};

use crate::{
    report::{Shades, svg},
    session::create,
    ui::{self, Screen},
};

/// What a terminal of the app's size would show.
pub fn frame(app: &App, screen: &mut Screen) -> Buffer {
    let (width, height) = app.size();
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(drawn) = terminal.draw(|frame| ui::draw(frame, app, screen));
    drawn.buffer.clone()
}

/// The colours of a terminal that the app's theme is for.
pub fn shades(app: &App) -> &'static Shades {
    if app.theme() == ThemeName::Light { &Shades::LIGHT } else { &Shades::DARK }
}

/// Draws the screen to a new file; gives the words that say how that went.
pub fn to_file(app: &App, screen: &mut Screen, file: &Path) -> String {
    let picture = svg(&frame(app, screen), "Tailwater", shades(app));
    let written = create(file).and_then(|mut file| file.write_all(picture.as_bytes()));
    match written {
        Ok(()) => format!("Drawn to {}.", file.display()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            format!("draw the screen to {}: it is there already and is not overwritten", file.display())
        }
        Err(error) => format!("draw the screen to {}: {error}", file.display()),
    }
}
