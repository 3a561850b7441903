//! The services of AWS for programs of this room: a simulation of them (moto), and a proxy before it that makes the
//! network as slow and as bad as it is said to be.

mod http;
pub(crate) mod moto;
pub(crate) mod proxy;

use std::net::SocketAddr;

/// The provider of a definition, with services at this address. `retries` of the provider itself; none for as many as
/// it likes.
pub(crate) fn provider(services: SocketAddr, retries: Option<u32>) -> String {
    let retries = retries.map_or_else(String::new, |n| format!("max_retries = {n}"));
    let all = [
        "ssm",
        "sqs",
        "dynamodb",
        "iam",
        "ec2",
        "sts",
        "resourcegroupstaggingapi",
    ];
    let endpoints: String = all
        .iter()
        .map(|service| format!("    {service} = \"http://{services}\"\n"))
        .collect();
    format!(
        r#"terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  {retries}
  endpoints {{
{endpoints}  }}
}}

"#
    )
}
