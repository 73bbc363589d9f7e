//! What an answer to an event means, who gave it, and what to do.

use super::{Known, Part, text};
use crate::{
    events::{Answer, Sent},
    pipeline::{AuthMode, limits},
};

/// What an answer means.
pub fn what(sent: &Sent, known: &Known) -> Vec<Part> {
    let words = match &sent.answer {
        Answer::Accepted { .. } => "202: the function put the event to the stream, and the answer says where: shard and \
                                    sequence number. It is in Kinesis now; Firehose brings it to S3 with its next delivery."
            .to_owned(),
        Answer::Unanswered { .. } => "No answer: the connection failed or took too long. The event may have arrived or \
                                      not. A record or a log line with its bytes would show that it did."
            .to_owned(),
        Answer::Refused { status, nothing_put, .. } => {
            let put = if *nothing_put { "Nothing was put to the stream." } else { "It may have been put to the stream, or not." };
            format!("{} {put}", refusal(*status, known))
        }
    };
    vec![text(words)]
}

/// A refusal by its status.
fn refusal(status: u16, known: &Known) -> String {
    match status {
        400 => "400 from the function: the body is no JSON. The message says where. Edit it (e), and send it again."
            .to_owned(),
        401 => "401 from the API's authorizer: no token, or one that it does not take. The function was not called."
            .to_owned(),
        403 => match known.settings.auth_mode() {
            Some(AuthMode::Iam) => {
                "403 from the API: AuthMode is IAM, and who signed may not call it (execute-api:Invoke). \
                                    The function was not called."
                    .to_owned()
            }
            _ => "403 from the API: whoever asked may not do this. The function was not called.".to_owned(),
        },
        404 => {
            "404 from the API: it knows one route, POST /submit. Another method or path never reaches the function. \
                :reset-request takes back what was changed of the request."
                .to_owned()
        }
        405 => "405 from the function: events are posted.".to_owned(),
        413 => format!(
            "413: too large. A record holds {} KiB at most, newline included, and the function refuses more; above {} MB \
             the API itself refuses.",
            limits::RECORD_BYTES / 1024,
            limits::API_BODY_MB
        ),
        429 => {
            let of = |name: &str| known.settings.get(name).map_or_else(|| "not known".to_owned(), str::to_owned);
            format!(
                "429 from the API: its throttle. ThrottleRate ({}) requests a second get through over time, ThrottleBurst \
                 ({}) at once. It protects an open endpoint's bill; deploy with --param ThrottleRate=… to raise it.",
                of("ThrottleRate"),
                of("ThrottleBurst")
            )
        }
        500 => "500 from the API: the function failed or could not be called. Its log says why: press 2.".to_owned(),
        502 => "502 from the function: Kinesis did not take the event, or did not answer. Its log line says which."
            .to_owned(),
        503 => format!(
            "503: the stream is throttled and the function said so, or the function took longer than the API's {} s.",
            limits::API_TIMEOUT.as_secs()
        ),
        other => format!("{other}: none of the answers that the function or an HTTP API gives by itself."),
    }
}
