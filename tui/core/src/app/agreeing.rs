//! The answers to what is asked before the stack is changed.

use super::{App, Effect, Prompt, PromptKind, Sign, Work};

impl App {
    /// A yes to what is shown. Where something is lost, the stack's name is wanted, too.
    pub(super) fn agree(&mut self) -> Vec<Effect> {
        if self.destroying.is_some() {
            self.prompt = Some(Prompt::new(PromptKind::AgreeToDestroy, ""));
            return Vec::new();
        }
        match self.deployment.losses() {
            Some([]) => self.execute(),
            Some(_) => {
                self.prompt = Some(Prompt::new(PromptKind::AgreeToDeploy, ""));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn agree_by_name(&mut self, kind: PromptKind, typed: &str) -> Vec<Effect> {
        if typed != self.stack_name.as_str() {
            self.say("That is not the stack's name: nothing was changed.");
            return Vec::new();
        }
        match (kind, self.destroying) {
            (PromptKind::AgreeToDestroy, Some(how)) => {
                self.destroying = None;
                self.chart_row = None;
                self.deployment.begin(Work::Destroying(how), self.now);
                vec![Effect::Destroy(how)]
            }
            (PromptKind::AgreeToDeploy, _) => self.execute(),
            _ => Vec::new(),
        }
    }

    pub(super) fn execute(&mut self) -> Vec<Effect> {
        self.deployment.execute(&self.template, self.now);
        vec![Effect::Execute]
    }

    pub(super) fn disagree(&mut self) -> Vec<Effect> {
        if self.destroying.take().is_some() {
            return Vec::new();
        }
        self.deployment.work = None;
        self.deployment.outcome = Some((Sign::Done, "Nothing was changed: the answer was no.".to_owned()));
        vec![Effect::Discard]
    }
}
