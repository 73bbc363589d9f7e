//! The HTTP API gateway: APIs, routes, integrations and stages, and the requests that come in.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::{
    Place,
    caller::Caller,
    iam::Iam,
    lambda::Lambda,
    logs::Logs,
    wire::{Input, Request, Response, ServiceError, ServiceResult, rest_json},
};

/// The APIs.
pub(crate) struct Gateway {
    place: Arc<Place>,
}

impl Gateway {
    /// No APIs yet.
    pub fn new(place: Arc<Place>, _iam: Arc<Iam>, _lambda: Arc<Lambda>, _logs: Arc<Logs>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// Serves clients' requests until the listener's task is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let _ = (listener, &self.place);
        std::future::pending::<()>().await;
    }

    /// An `apigateway` request (`/v2/apis…`) whose signature was checked.
    pub async fn http(&self, caller: &Caller, request: Request) -> Response {
        let _ = (caller, request);
        rest_json::answer(Err(ServiceError::internal("not written")), 200, "message")
    }

    /// An operation of API Gateway V2 (`CreateApi`, …), input and output as JSON with the wire's
    /// member names (`name`, `protocolType`).
    pub async fn call(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("API Gateway", operation))
    }
}
