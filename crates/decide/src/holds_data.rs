//! Types of objects that are known to hold data which nothing brings back once they are destroyed: databases, buckets,
//! volumes, file systems, queues and keys of the big providers, by patterns of their names.
//!
//! The table is for those who take back a run ([`crate::take_back`]): it protects what nobody has marked. It is no
//! promise: what it does not have is protected with `prevent_destroy` or `holds_data`.

/// Names of types; a star stands for any rest, at the end or in the middle, at most once.
const TYPES: [&str; 96] = [
    // Amazon
    "aws_backup_vault",
    "aws_cloudwatch_log_group",
    "aws_codecommit_repository",
    "aws_cognito_user_pool",
    "aws_db_*",
    "aws_docdb*",
    "aws_dynamodb_*table",
    "aws_ebs_snapshot*",
    "aws_ebs_volume",
    "aws_ecr_repository",
    "aws_efs_file_system",
    "aws_elasticache_*",
    "aws_elasticsearch_domain",
    "aws_fsx_*",
    "aws_glacier_vault",
    "aws_keyspaces_*",
    "aws_kinesis_*stream",
    "aws_kms_*key",
    "aws_memorydb_*",
    "aws_mq_broker",
    "aws_msk_*cluster",
    "aws_neptune_*",
    "aws_opensearch_domain",
    "aws_qldb_*",
    "aws_rds_*",
    "aws_redshift*",
    "aws_s3_bucket",
    "aws_s3_directory_bucket",
    "aws_s3tables_*",
    "aws_secretsmanager_secret*",
    "aws_sns_topic",
    "aws_sqs_queue",
    "aws_timestream*",
    // Google
    "google_alloydb_*",
    "google_artifact_registry_repository",
    "google_bigquery_dataset",
    "google_bigquery_table",
    "google_bigtable_*",
    "google_compute_*disk",
    "google_compute_*snapshot",
    "google_filestore_*",
    "google_firestore_*",
    "google_kms_*",
    "google_memcache_instance",
    "google_pubsub_*",
    "google_redis_*",
    "google_secret_manager_*",
    "google_spanner_*",
    "google_sql_*",
    "google_storage_bucket",
    // Microsoft
    "azurerm_*_database",
    "azurerm_container_registry",
    "azurerm_cosmosdb_*",
    "azurerm_eventhub*",
    "azurerm_key_vault*",
    "azurerm_log_analytics_workspace",
    "azurerm_managed_disk",
    "azurerm_mariadb_*",
    "azurerm_mssql_*",
    "azurerm_mysql_*",
    "azurerm_netapp_*",
    "azurerm_postgresql_*",
    "azurerm_recovery_services_vault",
    "azurerm_redis_*",
    "azurerm_servicebus_*",
    "azurerm_snapshot",
    "azurerm_storage_account",
    "azurerm_storage_container",
    "azurerm_storage_data_lake_*",
    "azurerm_storage_queue",
    "azurerm_storage_share",
    "azurerm_storage_table",
    // Others
    "alicloud_db_*",
    "alicloud_disk",
    "alicloud_ecs_disk",
    "alicloud_oss_bucket",
    "cloudflare_d1_database",
    "cloudflare_r2_bucket",
    "cloudflare_workers_kv_namespace",
    "digitalocean_database_*",
    "digitalocean_spaces_bucket",
    "digitalocean_volume*",
    "hcloud_volume",
    "kubernetes_persistent_volume*",
    "linode_database_*",
    "linode_object_storage_bucket",
    "linode_volume",
    "mongodbatlas_*cluster",
    "mysql_database",
    "oci_core_*volume",
    "oci_database_*",
    "oci_objectstorage_bucket",
    "openstack_blockstorage_*",
    "openstack_objectstorage_*",
    "postgresql_database",
    "postgresql_schema",
];

/// Whether objects of a type are known to hold data.
pub fn is_known(kind: &str) -> bool {
    TYPES.iter().any(|pattern| match pattern.split_once('*') {
        None => kind == *pattern,
        Some((begin, end)) => kind
            .strip_prefix(begin)
            .is_some_and(|rest| rest.ends_with(end)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_data_is_told_from_what_does_not() {
        for kind in [
            "aws_db_instance",
            "aws_dynamodb_table",
            "aws_dynamodb_global_table",
            "aws_s3_bucket",
            "aws_sqs_queue",
            "aws_kms_key",
            "google_sql_database_instance",
            "google_compute_region_disk",
            "azurerm_mssql_server",
            "azurerm_sql_database",
            "kubernetes_persistent_volume_claim",
            "hcloud_volume",
        ] {
            assert!(is_known(kind), "{kind}");
        }
        for kind in [
            "aws_instance",
            "aws_s3_bucket_policy",
            "aws_sqs_queue_policy",
            "aws_dynamodb_table_item",
            "google_compute_instance",
            "azurerm_virtual_machine",
            "host_file",
            "terraform_data",
            "",
        ] {
            assert!(!is_known(kind), "{kind}");
        }
    }

    #[test]
    fn the_table_has_no_pattern_twice_and_at_most_one_star_in_each() {
        for (at, pattern) in TYPES.iter().enumerate() {
            assert!(pattern.matches('*').count() <= 1, "{pattern}");
            assert!(
                !TYPES.iter().skip(at + 1).any(|other| other == pattern),
                "{pattern}"
            );
        }
    }
}
