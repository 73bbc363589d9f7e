//! Creation of a stack, and what follows where it fails.

use serde_json::Value;

use super::{Operation, bracketed};
use crate::cloudformation::{
    stack::{OnFailure, Output, Stack},
    template::OutputDeclaration,
};

impl Operation {
    async fn create(self) {
        let (turn, graph) = self.with(|stack| {
            let graph = stack.revision.as_ref().map(|revision| revision.graph.clone()).unwrap_or_default();
            (stack.turn.clone(), graph)
        });
        let _turn = turn.lock().await;
        let failed = self.work_off(&graph, true, Self::create_resource).await;
        let undo = self.with(|stack| {
            if stack.status != "CREATE_IN_PROGRESS" {
                // A deletion was asked for meanwhile and waits for its turn.
                return None;
            }
            let outcome = if failed.is_empty() {
                self.evaluate_outputs(stack)
            } else {
                Err(format!("The following resource(s) failed to create: {}. ", bracketed(&failed)))
            };
            let Err(reason) = outcome else {
                stack.set_status("CREATE_COMPLETE", None);
                return None;
            };
            let (status, reason) = match stack.on_failure {
                OnFailure::DoNothing => ("CREATE_FAILED", reason),
                OnFailure::Rollback => ("ROLLBACK_IN_PROGRESS", format!("{reason}Rollback requested by user.")),
                OnFailure::Delete => ("DELETE_IN_PROGRESS", format!("{reason}Delete requested by user.")),
            };
            stack.set_status(status, Some(reason));
            Some(stack.on_failure)
        });
        match undo {
            Some(OnFailure::Rollback) => self.roll_back_creation().await,
            Some(OnFailure::Delete) => self.delete_resources(&[], false, true).await,
            Some(OnFailure::DoNothing) | None => {}
        }
    }

    /// Evaluates the outputs of the stack's revision into the stack.
    pub(super) fn evaluate_outputs(&self, stack: &mut Stack) -> Result<(), String> {
        let Some(revision) = stack.revision.clone() else { return Ok(()) };
        let pseudo = self.pseudo(stack);
        let mut outputs = Vec::new();
        for declaration in &revision.template.outputs {
            if !revision.holds(declaration.condition.as_ref()) {
                continue;
            }
            let evaluated = revision.scope(&pseudo, &*stack).evaluate(&declaration.value);
            let value = evaluated.map_err(|error| output_trouble(declaration, &error.message))?;
            let value = match value {
                Some(Value::String(text)) => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Bool(flag)) => flag.to_string(),
                _ => {
                    return Err(format!(
                        "Template format error: The Value field of every Outputs member must evaluate to a String. \
                         ({}) ",
                        declaration.key
                    ));
                }
            };
            outputs.push(Output { key: declaration.key.clone(), value, description: declaration.description.clone() });
        }
        stack.outputs = outputs;
        Ok(())
    }

    /// Does the work of a creation in a task of its own. The stack is in `CREATE_IN_PROGRESS`.
    pub fn start_creation(self) {
        tokio::spawn(self.create());
    }
}

/// What the stack says of an output that cannot be evaluated.
fn output_trouble(declaration: &OutputDeclaration, message: &str) -> String {
    let function = declaration
        .value
        .as_object()
        .and_then(|members| members.keys().next())
        .map_or_else(String::new, |name| format!("/{name}"));
    format!("[Error] /Outputs/{}/Value{function}: {message}. ", declaration.key)
}
