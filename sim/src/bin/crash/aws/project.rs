//! The project of a trial: objects of five services, by all of which they are found again after a crash.

use crate::services::provider;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Names of objects, with the type of resource before it, and their addresses.
pub(crate) struct Project {
    /// How many objects.
    pub objects: usize,
}

/// Of ten objects, so many of each type.
const SHARES: [(&str, usize); 5] = [
    ("aws_ssm_parameter", 5),
    ("aws_sqs_queue", 1),
    ("aws_dynamodb_table", 1),
    ("aws_iam_role", 1),
    ("aws_vpc", 2),
];

impl Project {
    fn count(&self, kind: &str) -> usize {
        let share = SHARES.iter().find(|(one, _)| *one == kind);
        share.map_or(0, |(_, share)| (self.objects * share).div_ceil(10))
    }

    /// Its definition, with services at this address. `retries` of the provider itself; none for as many as it likes.
    pub(crate) fn definition(&self, services: SocketAddr, retries: Option<u32>) -> String {
        let mut text = provider(services, retries);
        let count = |kind: &str| self.count(kind);
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            r#"resource "aws_ssm_parameter" "p" {{
  count = {parameters}
  name  = "/crash/p-${{count.index}}"
  type  = "String"
  value = "v-${{count.index}}"
}}

resource "aws_sqs_queue" "q" {{
  count = {queues}
  name  = "crash-q-${{count.index}}"
}}

resource "aws_dynamodb_table" "t" {{
  count        = {tables}
  name         = "crash-t-${{count.index}}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {{
    name = "id"
    type = "S"
  }}
}}

resource "aws_iam_role" "r" {{
  count              = {roles}
  name               = "crash-r-${{count.index}}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "ec2.amazonaws.com" }} }}]
  }})
}}

resource "aws_vpc" "v" {{
  count      = {vpcs}
  cidr_block = "10.${{count.index}}.0.0/16"
  tags       = {{ Name = "crash-v-${{count.index}}" }}
}}
"#,
            parameters = count("aws_ssm_parameter"),
            queues = count("aws_sqs_queue"),
            tables = count("aws_dynamodb_table"),
            roles = count("aws_iam_role"),
            vpcs = count("aws_vpc"),
        );
        text
    }

    /// What must be there: the name of each object, with its address.
    pub(crate) fn expected(&self) -> Vec<(String, String)> {
        let mut expected = Vec::new();
        for (kind, _) in SHARES {
            let (short, name) = match kind {
                "aws_ssm_parameter" => ("p", "/crash/p"),
                "aws_sqs_queue" => ("q", "crash-q"),
                "aws_dynamodb_table" => ("t", "crash-t"),
                "aws_iam_role" => ("r", "crash-r"),
                _ => ("v", "crash-v"),
            };
            for n in 0..self.count(kind) {
                expected.push((format!("{kind} {name}-{n}"), format!("{kind}.{short}[{n}]")));
            }
        }
        expected
    }
}
