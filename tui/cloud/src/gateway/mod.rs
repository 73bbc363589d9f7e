//! The HTTP API gateway: APIs, routes, integrations and stages, and the requests that come in.
//!
//! [`control`] is API Gateway's own API (`/v2/apis…`); [`data`] serves the clients of deployed APIs.
//! Both meet in [`model`]: a request works on a snapshot of its API, so that no lock is held while a
//! function runs.

mod control;
mod data;
mod model;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::net::TcpListener;

use crate::{
    Place,
    caller::Caller,
    faults::Faults,
    iam::Iam,
    lambda::Lambda,
    logs::Logs,
    wire::{Input, Request, Response, ServiceError, ServiceResult, rest_json},
};
pub(crate) use control::{has_operation, operation_of};
use model::Api;

/// The APIs.
pub(crate) struct Gateway {
    place: Arc<Place>,
    iam: Arc<Iam>,
    lambda: Arc<Lambda>,
    logs: Arc<Logs>,
    faults: Arc<Faults>,
    /// In the order in which they were made.
    apis: RwLock<Vec<Arc<Api>>>,
    /// The account's throttle, over all APIs.
    account: Mutex<data::throttle::Bucket>,
    keys: data::jwks::KeySets,
}

impl Gateway {
    /// No APIs yet.
    pub fn new(
        place: Arc<Place>,
        iam: Arc<Iam>,
        lambda: Arc<Lambda>,
        logs: Arc<Logs>,
        faults: Arc<Faults>,
    ) -> Arc<Self> {
        Arc::new(Self {
            place,
            iam,
            lambda,
            logs,
            faults,
            apis: RwLock::default(),
            account: Mutex::default(),
            keys: data::jwks::KeySets::default(),
        })
    }

    /// Serves clients' requests until the listener's task is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        data::serve(self, listener).await;
    }

    /// An `apigateway` request (`/v2/apis…`) whose signature was checked.
    pub async fn http(&self, caller: &Caller, request: Request) -> Response {
        match control::parse(&request) {
            Ok((operation, input, status)) => {
                let result = self.call(caller, operation, input).await;
                rest_json::answer(result, status, rest_json::message_only)
            }
            Err(error) => rest_json::answer(Err(error), 200, rest_json::message_only),
        }
    }

    /// An operation of API Gateway V2 (`CreateApi`, …), input and output as JSON with the wire's
    /// member names (`name`, `protocolType`).
    #[expect(clippy::unused_async, reason = "every service is called alike")]
    pub async fn call(&self, _caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        control::call(self, operation, input)
    }

    /// The APIs as they are now.
    fn apis(&self) -> Vec<Arc<Api>> {
        self.apis.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The API of that id as it is now.
    fn api(&self, id: &str) -> ServiceResult<Arc<Api>> {
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        apis.iter().find(|api| api.id == id).cloned().ok_or_else(|| no_api(&self.place, id))
    }

    /// Changes an API; requests that are under way keep the one they began with.
    fn change<T>(&self, id: &str, change: impl FnOnce(&mut Api) -> ServiceResult<T>) -> ServiceResult<T> {
        let mut apis = self.apis.write().unwrap_or_else(PoisonError::into_inner);
        let slot = apis.iter_mut().find(|api| api.id == id).ok_or_else(|| no_api(&self.place, id))?;
        let mut changed = Api::clone(slot);
        let result = change(&mut changed)?;
        *slot = Arc::new(changed);
        Ok(result)
    }
}

fn no_api(place: &Place, id: &str) -> ServiceError {
    ServiceError::not_found("NotFoundException", format!("Invalid API identifier specified {}:{id}", place.account_id))
}
