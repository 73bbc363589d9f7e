//! The binary as Lambda runs it: a Runtime API and a Kinesis on loopback, one event each.

use std::{collections::HashMap, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// A request that came in, and the connection to answer it on.
struct Incoming {
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
    connection: BufReader<TcpStream>,
}

impl Incoming {
    async fn read(mut connection: BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        connection.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = HashMap::new();
        loop {
            line.clear();
            connection.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        connection.read_exact(&mut body).await.ok()?;
        Some(Self { path, headers, body, connection })
    }

    async fn answer(mut self, headers: &str, body: &str) -> BufReader<TcpStream> {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.connection.write_all(answer.as_bytes()).await.unwrap();
        self.connection
    }
}

fn bootstrap(runtime_api: &TcpListener, kinesis: &TcpListener) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "submit")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_SESSION_TOKEN", "session")
        .env("AWS_ENDPOINT_URL", format!("http://{}", kinesis.local_addr().unwrap()))
        .env("STREAM_NAME", "events")
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn lines(process: &mut Child) -> Vec<Value> {
    let mut output = String::new();
    process.stdout.take().unwrap().read_to_string(&mut output).await.unwrap();
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_event_goes_through_whatever_its_headers() {
    let runtime_api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kinesis = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut process = bootstrap(&runtime_api, &kinesis).spawn().unwrap();

    let next = Incoming::read(BufReader::new(runtime_api.accept().await.unwrap().0)).await.unwrap();
    assert_eq!(next.path, "/2018-06-01/runtime/invocation/next");
    let event = json!({
        "version": "2.0",
        "rawPath": "/submit",
        "rawQueryString": "q=^ b",
        "headers": {"host": "not a host", "x-name": "Zoë"},
        "requestContext": {"requestId": "api-1", "stage": "$default", "http": {"method": "POST"}},
        "body": "{\"user_id\": 123}",
        "isBase64Encoded": false,
    });
    let connection = next
        .answer(
            "lambda-runtime-aws-request-id: lambda-1\r\nlambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn\r\n",
            &event.to_string(),
        )
        .await;

    let put = Incoming::read(BufReader::new(kinesis.accept().await.unwrap().0)).await.unwrap();
    assert_eq!(put.headers["x-amz-target"], "Kinesis_20131202.PutRecord");
    assert_eq!(put.headers["x-amz-security-token"], "session");
    assert!(put.headers["authorization"].contains("/eu-west-1/kinesis/aws4_request"));
    let record: Value = serde_json::from_slice(&put.body).unwrap();
    assert_eq!((&record["StreamName"], &record["Data"]), (&json!("events"), &json!("eyJ1c2VyX2lkIjoxMjN9Cg==")));
    let output = r#"{"ShardId":"shardId-000000000000","SequenceNumber":"49"}"#;
    put.answer("content-type: application/x-amz-json-1.1\r\n", output).await;

    let answer = Incoming::read(connection).await.unwrap();
    assert_eq!(answer.path, "/2018-06-01/runtime/invocation/lambda-1/response");
    let response: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(response["statusCode"], 202);
    assert_eq!(
        serde_json::from_str::<Value>(response["body"].as_str().unwrap()).unwrap(),
        json!({"requestId": "api-1", "shardId": "shardId-000000000000", "sequenceNumber": "49"})
    );

    process.start_kill().unwrap();
    let lines = lines(&mut process).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["outcome"], &lines[0]["lambdaRequestId"]), (&json!("accepted"), &json!("lambda-1")));
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_told_in_a_line() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (name, value, word) in [
        ("STREAM_NAME", "", "STREAM_NAME"),
        ("PARTITION_KEY_POINTER", "id", "PARTITION_KEY_POINTER"),
        ("AWS_ACCESS_KEY_ID", "", "AWS_ACCESS_KEY_ID"),
        ("AWS_CA_BUNDLE", "/no/such/file", "AWS_CA_BUNDLE"),
    ] {
        let mut process = bootstrap(&unused, &unused).env(name, value).spawn().unwrap();
        let lines = lines(&mut process).await;
        assert_eq!(process.wait().await.unwrap().code(), Some(1));
        assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!("FATAL")));
        assert!(lines[0]["message"].as_str().unwrap().contains(word), "{}", lines[0]);
    }
}
