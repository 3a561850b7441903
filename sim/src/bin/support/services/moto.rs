//! The services: moto, a simulation of AWS, in a process of its own, and what is in them.

use super::http::{Request, body};
use serde_json::Value;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest time for it to come up.
const START_MS_MAX: u64 = 120_000;
/// Time between two looks whether it has.
const LOOK_MS: u64 = 100;
/// Pages of one list.
const PAGES_MAX: usize = 100;

/// A server with nothing in it.
pub(crate) struct Moto {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Moto {
    /// Starts one.
    ///
    /// # Errors
    /// When there is none on this machine, or it does not come up.
    pub(crate) fn start(log: &Path) -> Result<Self, String> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("there is no free port: {error}"))?;
        let log = File::create(log).map_err(|error| format!("cannot write its log: {error}"))?;
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", &free.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!("cannot start moto_server (pip install 'moto[server]'): {error}")
            })?;
        let moto = Self {
            address: free,
            child,
        };
        let began = Instant::now();
        let (_open, never) = mpsc::sync_channel::<()>(1);
        while TcpStream::connect(moto.address).is_err() {
            if began.elapsed() > Duration::from_millis(START_MS_MAX) {
                return Err("moto_server does not come up".to_owned());
            }
            let _ = never.recv_timeout(Duration::from_millis(LOOK_MS));
        }
        Ok(moto)
    }

    /// The names of all objects, each as often as it is there, with the type of resource before it.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn names(&self) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        let mut add = |kind: &str, found: Vec<String>| {
            names.extend(found.into_iter().map(|name| format!("{kind} {name}")));
        };
        let target = "AmazonSSM.DescribeParameters";
        add(
            "aws_ssm_parameter",
            self.pages("ssm", target, "Parameters", "Name")?,
        );
        let target = "AmazonSQS.ListQueues";
        let urls = self.pages("sqs", target, "QueueUrls", "")?;
        let last = |url: String| url.rsplit('/').next().unwrap_or_default().to_owned();
        add("aws_sqs_queue", urls.into_iter().map(last).collect());
        let target = "DynamoDB_20120810.ListTables";
        add(
            "aws_dynamodb_table",
            self.pages("dynamodb", target, "TableNames", "")?,
        );
        let roles = self.xml("iam", "Action=ListRoles&Version=2010-05-08")?;
        add("aws_iam_role", between(&roles, "<RoleName>", "</RoleName>"));
        let vpcs = self.xml("ec2", "Action=DescribeVpcs&Version=2016-11-15")?;
        add(
            "aws_vpc",
            between(&vpcs, "<key>Name</key><value>", "</value>"),
        );
        // Those without a name are there, too; one is there from the beginning.
        let all = between(&vpcs, "<vpcId>", "</vpcId>").len();
        let named = between(&vpcs, "<key>Name</key><value>", "</value>").len();
        add(
            "aws_vpc",
            vec!["without a name".to_owned(); all.saturating_sub(named + 1)],
        );
        names.sort();
        Ok(names)
    }

    fn pages(
        &self,
        service: &str,
        target: &str,
        list: &str,
        field: &str,
    ) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        let mut body_sent = "{}".to_owned();
        for _ in 0..PAGES_MAX {
            let request = Request::new(service, Some(target), &body_sent);
            let answer = request.send(self.address);
            let answer =
                answer.map_err(|error| format!("moto does not answer {target}: {error}"))?;
            let answer: Value = serde_json::from_str(&body(&answer))
                .map_err(|error| format!("moto answers {target} with what is no JSON: {error}"))?;
            let items = answer.get(list).and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                let name = if field.is_empty() {
                    Some(item)
                } else {
                    item.get(field)
                };
                names.extend(name.and_then(Value::as_str).map(str::to_owned));
            }
            let Some(next) = answer.get("NextToken").and_then(Value::as_str) else {
                return Ok(names);
            };
            body_sent = serde_json::json!({ "NextToken": next }).to_string();
        }
        Err(format!("{target} does not come to an end"))
    }

    fn xml(&self, service: &str, asked: &str) -> Result<String, String> {
        let answer = Request::new(service, None, asked).send(self.address);
        let answer = answer.map_err(|error| format!("moto does not answer {asked}: {error}"))?;
        let text = body(&answer);
        // Space between elements means nothing.
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Ok(lines.concat())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            // It stands in a group of its own, with whatever it has started.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn between(text: &str, before: &str, after: &str) -> Vec<String> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(after)?.0.to_owned()))
        .collect()
}
