//! Deployments against an embedded cloud that is made to fail, and against recorded answers.

mod destroying;
mod failing;
mod running;
mod states;

use aws_sdk_cloudformation::Client;
use tailwater_cloud::{LocalCloud, Options, faults::Order};
use tokio::sync::mpsc;

use super::{DeployError, Outcome, Plan, Prepared, Progress, Request, Stack, deploy, execute, prepare};
use crate::target::{Registration, Target};

/// The stack of these tests.
const STACK: &str = "demo";

/// An embedded cloud, and the way to it.
struct Place {
    cloud: LocalCloud,
    target: Target,
}

impl Place {
    async fn new() -> Self {
        let options = Options { gateway_port: Some(0), ..Options::new(Vec::new()) };
        let cloud = LocalCloud::start(options).await.expect("a cloud");
        Self { target: Target::local(&Registration::of(&cloud), None), cloud }
    }

    fn order(&self, order: Order) {
        self.cloud.faults().add(order).expect("an order that can be met");
    }

    fn client(&self) -> Client {
        self.target.cloudformation()
    }

    async fn stack(&self) -> Stack {
        Stack::find(&self.client(), STACK).await.expect("an answer").expect("a stack")
    }

    async fn status(&self) -> String {
        self.stack().await.status.to_string()
    }

    /// Deploys without asking.
    async fn deploy(&self, request: &Request) -> (Result<Outcome, DeployError>, Vec<String>) {
        noted(async |out| deploy(&self.target, request, out).await).await
    }

    async fn deployed(&self, request: &Request) {
        let (outcome, notes) = self.deploy(request).await;
        assert!(matches!(outcome, Ok(Outcome::Deployed(_))), "{outcome:?} {notes:?}");
    }

    async fn prepare(&self, request: &Request) -> Result<Prepared, DeployError> {
        noted(async |out| prepare(&self.target, request, out).await).await.0
    }

    async fn changes(&self, request: &Request) -> Plan {
        match self.prepare(request).await {
            Ok(Prepared::Changes(plan)) => plan,
            other => panic!("{other:?}"),
        }
    }

    async fn execute(&self, plan: &Plan) -> Result<Outcome, DeployError> {
        noted(async |out| execute(&self.target, plan, out).await).await.0
    }
}

/// Does it and gives the notes that were made on the way.
async fn noted<T>(work: impl AsyncFnOnce(&mpsc::Sender<Progress>) -> T) -> (T, Vec<String>) {
    let (result, progress) = followed(work).await;
    let notes = progress.into_iter().filter_map(|progress| match progress {
        Progress::Note(text) => Some(text),
        _ => None,
    });
    (result, notes.collect())
}

/// Does it and gives all its progress.
async fn followed<T>(work: impl AsyncFnOnce(&mpsc::Sender<Progress>) -> T) -> (T, Vec<Progress>) {
    let (out, mut told) = mpsc::channel(16);
    let working = async {
        let result = work(&out).await;
        drop(out);
        result
    };
    let listening = async {
        let mut all = Vec::new();
        while let Some(progress) = told.recv().await {
            all.push(progress);
        }
        all
    };
    tokio::join!(working, listening)
}

fn request() -> Request {
    Request { stack_name: STACK.to_owned(), ..Request::default() }
}

fn with(parameters: &[(&str, &str)]) -> Request {
    let pairs = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request { parameters: pairs.collect(), ..request() }
}
