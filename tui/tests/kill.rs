//! Kills the deployer with SIGKILL at random moments of a deployment and of a destruction, on an
//! embedded cloud that is a process of its own: the next run finishes the work, and `CloudFormation`
//! was never asked to do anything twice.
#![cfg(unix)]

mod common;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_cloudformation::types::{StackEvent, StackSummary};
use common::{User, last_json};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;

/// How many deployments and how many destructions are killed.
const MOMENTS: usize = 10;
/// How many of them go side by side: the machine has work to do meanwhile.
const SIDE_BY_SIDE: usize = 5;
/// How long each resource takes to be made or deleted, so that there is a middle to be killed in.
const RESOURCE_MILLISECONDS: u64 = 40;
/// Lines that a deployment writes at least, and a destruction. A kill comes after a random one.
const DEPLOY_LINES: usize = 45;
const DESTROY_LINES: usize = 30;
/// A kill comes so many milliseconds after its line at most: between two lines too.
const AFTER_LINE_MILLISECONDS: u64 = 40;
/// Some come so soon after the start that there may be no line yet: while it looks round and prepares.
const AFTER_START_MILLISECONDS: u64 = 500;
/// How many of the kills are of that kind.
const EARLY: f64 = 0.4;
/// Objects in each bucket before it is destroyed.
const OBJECTS: usize = 3;

/// `tailwater local`, its clients, and what ends it.
struct Cloud {
    child: Child,
    threads: tokio::runtime::Runtime,
    config: aws_config::SdkConfig,
}

impl Cloud {
    fn start(user: &User) -> Self {
        let arguments = ["local", "--output", "json", "--gateway-port", "0"];
        let mut child = user.command(&arguments).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        let credentials = Credentials::new(text("accessKeyId"), text("secretAccessKey"), None, None, "test");
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new(text("region")))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(text("endpointUrl"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .build();
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { child, threads: threads.expect("threads"), config }
    }

    /// Has every resource take its time.
    fn slow_down(&self) {
        for action in ["CREATE", "DELETE", "UPDATE"] {
            let body = format!(
                r#"{{"Resource":{{"Resource":"*","Action":"{action}","DelayMilliseconds":{RESOURCE_MILLISECONDS}}},"UntilCleared":true}}"#
            );
            self.threads.block_on(common::order(&self.config, "PutFault", &body));
        }
    }

    fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build())
    }

    fn fill(&self, bucket: &str) {
        self.threads.block_on(async {
            for number in 0..OBJECTS {
                let body = aws_sdk_s3::primitives::ByteStream::from_static(b"{}\n");
                let put = self.s3().put_object().bucket(bucket).key(format!("object-{number}")).body(body).send();
                put.await.expect("put");
            }
        });
    }

    /// The stacks that ever had a name.
    fn stacks(&self, name: &str) -> Vec<StackSummary> {
        let listed =
            self.threads.block_on(self.cloudformation().list_stacks().into_paginator().items().send().collect());
        let listed: Result<Vec<StackSummary>, _> = listed;
        listed.expect("stacks").into_iter().filter(|stack| stack.stack_name() == Some(name)).collect()
    }

    /// Everything that ever happened to a stack, newest first.
    fn events(&self, id: &str) -> Vec<StackEvent> {
        let events = self.cloudformation().describe_stack_events().stack_name(id).into_paginator().items().send();
        let events: Result<Vec<StackEvent>, _> = self.threads.block_on(events.collect());
        events.expect("events")
    }

    fn buckets(&self) -> Vec<String> {
        let answer = self.threads.block_on(self.s3().list_buckets().send()).expect("buckets");
        answer.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)).collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// When a run is killed.
#[derive(Debug, Clone, Copy)]
struct Moment {
    after_lines: usize,
    then: Duration,
}

impl Moment {
    fn random(random: &mut StdRng, lines: usize) -> Self {
        if random.random_bool(EARLY) {
            let then = Duration::from_millis(random.random_range(0..AFTER_START_MILLISECONDS));
            return Self { after_lines: 0, then };
        }
        Self {
            after_lines: random.random_range(1..lines),
            then: Duration::from_millis(random.random_range(0..AFTER_LINE_MILLISECONDS)),
        }
    }
}

/// Runs a command and kills it at that moment; whether it was still at work then.
fn killed(user: &User, arguments: &[&str], moment: Moment) -> bool {
    let mut child =
        user.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let (lines, counted) = mpsc::channel();
    let count = |pipe: Box<dyn std::io::Read + Send>| {
        let lines = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        })
    };
    let pipes = [
        count(Box::new(child.stdout.take().expect("its output"))),
        count(Box::new(child.stderr.take().expect("its words"))),
    ];
    drop(lines);
    let seen = counted.iter().take(moment.after_lines).count();
    thread::sleep(moment.then);
    child.kill().expect("killed");
    let status = child.wait().expect("its end");
    for pipe in pipes {
        pipe.join().expect("read to its end");
    }
    seen == moment.after_lines && std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

/// One pipeline's life, killed once while it comes and once while it goes. Gives how many of the
/// kills met a run at work.
fn life(user: &User, cloud: &Cloud, stack: &str, flags: &[&str], moments: [Moment; 2]) -> usize {
    let deploy = ["deploy", "--stack-name", stack, "--param", "BufferIntervalSeconds=0", "--output", "json", "--yes"];
    let mut met = usize::from(killed(user, &deploy, moments[0]));
    let finished = user.run(&deploy);
    let end = last_json(&finished);
    assert!(
        finished.status.success() && (end["event"] == "deployed" || end["event"] == "unchanged"),
        "{stack} {moments:?}: {end} {}",
        String::from_utf8_lossy(&finished.stderr)
    );
    let bucket = end["outputs"]["BucketName"].as_str().expect("a bucket").to_owned();
    cloud.fill(&bucket);

    let mut destroy = vec!["destroy", "--stack-name", stack, "--output", "json", "--yes"];
    destroy.extend(flags);
    met += usize::from(killed(user, &destroy, moments[1]));
    let finished = user.run(&destroy);
    let end = last_json(&finished);
    assert!(
        finished.status.success() && end["event"] == "destroyed",
        "{stack} {moments:?}: {end} {}",
        String::from_utf8_lossy(&finished.stderr)
    );

    let keeps = flags.contains(&"--keep-data");
    once(cloud, stack, keeps);
    assert_eq!(cloud.buckets().contains(&bucket), keeps, "{stack} {moments:?}: {bucket}");
    if keeps {
        let listed = cloud.threads.block_on(cloud.s3().list_objects_v2().bucket(&bucket).send()).expect("listed");
        assert_eq!(listed.contents().len(), OBJECTS, "{stack} {moments:?}");
    }
    met
}

/// One stack was made, once, and deleted, once; so was each of its resources.
fn once(cloud: &Cloud, stack: &str, keeps: bool) {
    let stacks = cloud.stacks(stack);
    let ids: Vec<&str> = stacks.iter().filter_map(StackSummary::stack_id).collect();
    assert_eq!(ids.len(), 1, "{stacks:?}");
    assert_eq!(
        stacks[0].stack_status().map(aws_sdk_cloudformation::types::StackStatus::as_str),
        Some("DELETE_COMPLETE")
    );
    let events = cloud.events(ids[0]);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in &events {
        let id = event.logical_resource_id().unwrap_or_default();
        let status = event.resource_status().map_or("", |status| status.as_str());
        *counts.entry((id, status)).or_default() += 1;
    }
    let count = |id: &str, status: &str| {
        counts
            .iter()
            .filter(|((known, state), _)| *known == id && *state == status)
            .map(|(_, count)| count)
            .sum::<usize>()
    };
    let updates = usize::from(keeps);
    for (status, wanted) in [
        ("CREATE_IN_PROGRESS", 1),
        ("CREATE_COMPLETE", 1),
        ("UPDATE_IN_PROGRESS", updates),
        ("UPDATE_COMPLETE", updates),
        ("DELETE_IN_PROGRESS", 1),
        ("DELETE_COMPLETE", 1),
    ] {
        assert_eq!(count(stack, status), wanted, "{stack}: {status}: {counts:?}");
    }
    assert!(counts.keys().all(|(_, status)| !status.ends_with("_FAILED")), "{stack}: {counts:?}");
    let resources: Vec<&str> = counts.keys().map(|(id, _)| *id).filter(|id| *id != stack).collect();
    for id in resources {
        assert_eq!(count(id, "CREATE_COMPLETE"), 1, "{stack}: {id}: {counts:?}");
        let gone = if keeps && id == "Bucket" { "DELETE_SKIPPED" } else { "DELETE_COMPLETE" };
        assert_eq!(count(id, gone), 1, "{stack}: {id}: {counts:?}");
    }
}

#[test]
fn a_killed_deployer_is_taken_up_by_the_next_run_and_nothing_is_done_twice() {
    let seed = std::env::var("TAILWATER_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| rand::rng().random());
    eprintln!("TAILWATER_KILL_SEED={seed} repeats these moments");
    let mut random = StdRng::seed_from_u64(seed);
    let lives: Vec<(String, &[&str], [Moment; 2])> = (0..MOMENTS)
        .map(|number| {
            // Firehose's time to deliver is one moment among many; most kills are to meet others.
            let flags: &[&str] = match number % 5 {
                0 => &[],
                1 => &["--keep-data", "--now"],
                _ => &["--now"],
            };
            let moments = [Moment::random(&mut random, DEPLOY_LINES), Moment::random(&mut random, DESTROY_LINES)];
            (format!("kill-{number}"), flags, moments)
        })
        .collect();
    for life in &lives {
        eprintln!("{life:?}");
    }
    let user = User::new();
    let cloud = Cloud::start(&user);
    cloud.slow_down();
    let waiting = Mutex::new(lives.iter());
    let next = || waiting.lock().expect("no panic while it is held").next();
    let met: usize = thread::scope(|scope| {
        let lanes: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                scope.spawn(|| {
                    let mut met = 0;
                    while let Some((stack, flags, moments)) = next() {
                        met += life(&user, &cloud, stack, flags, *moments);
                    }
                    met
                })
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).sum()
    });
    assert!(met >= MOMENTS, "only {met} of {} kills met a run at work: the moments are chosen wrongly", 2 * MOMENTS);
    let kept = lives.iter().filter(|(_, flags, _)| flags.contains(&"--keep-data")).count();
    let left = cloud.buckets();
    // Beside what was to be kept, the bucket with the function's code.
    assert_eq!(left.len(), kept + 1, "{left:?}");
}
