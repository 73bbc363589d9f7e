//! What the pipeline roughly costs: list prices by region, and the sum over its parts.

use super::{Estimate, Hop};

/// When the prices were looked up.
const AS_OF: &str = "2026-11";
/// Where they stand.
const SOURCE: &str = "the pricing pages of AWS (aws.amazon.com/pricing), without free tier and taxes";
/// The region whose prices stand for those that are not in the table.
const USUAL_REGION: &str = "us-east-1";

/// List prices of one region, in US dollars.
#[derive(Debug)]
struct Prices {
    /// HTTP API, a million requests (up to 512 KB each), first 300 million a month.
    api_million_requests: f64,
    /// Lambda, a million requests.
    lambda_million_requests: f64,
    /// Lambda on `x86_64`, a GB-second.
    lambda_gb_second_x86: f64,
    /// Lambda on arm64, a GB-second.
    lambda_gb_second_arm: f64,
    /// Kinesis, a shard and hour.
    kinesis_shard_hour: f64,
    /// Kinesis, a million put units of 25 KB.
    kinesis_million_put_units: f64,
    /// Kinesis, what a shard and hour cost more where records are kept above 24 hours.
    kinesis_extended_shard_hour: f64,
    /// Kinesis, a GB and month of records that are kept above 7 days.
    kinesis_long_gb_month: f64,
    /// Firehose, a GB taken in, first 500 TB a month.
    firehose_gb: f64,
    /// S3 Standard, a GB and month, first 50 TB.
    s3_gb_month: f64,
    /// S3 Standard, a thousand puts.
    s3_thousand_puts: f64,
    /// CloudWatch Logs, a GB taken in.
    logs_gb: f64,
    /// CloudWatch Logs, a GB and month kept.
    logs_gb_month: f64,
}

/// The prices of Northern Virginia, Ohio and Oregon, which are the same for all of these.
const UNITED_STATES: Prices = Prices {
    api_million_requests: 1.00,
    lambda_million_requests: 0.20,
    lambda_gb_second_x86: 0.000_016_666_7,
    lambda_gb_second_arm: 0.000_013_333_4,
    kinesis_shard_hour: 0.015,
    kinesis_million_put_units: 0.014,
    kinesis_extended_shard_hour: 0.020,
    kinesis_long_gb_month: 0.023,
    firehose_gb: 0.029,
    s3_gb_month: 0.023,
    s3_thousand_puts: 0.005,
    logs_gb: 0.50,
    logs_gb_month: 0.03,
};

/// The regions whose prices are known. Others are up to a third dearer.
const REGIONS: [(&str, &Prices); 3] =
    [(USUAL_REGION, &UNITED_STATES), ("us-east-2", &UNITED_STATES), ("us-west-2", &UNITED_STATES)];

fn of_region(region: &str) -> (&'static str, &'static Prices) {
    let known = REGIONS.iter().find(|(name, _)| *name == region);
    known.copied().unwrap_or((USUAL_REGION, &UNITED_STATES))
}

/// What is paid for bytes that only lie there, in US dollars a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Storage {
    bucket_gb: f64,
    logs_gb: f64,
}

impl Storage {
    /// In a region, or where that one's prices are not known in the usual one.
    pub fn of(region: &str) -> Self {
        let (_, prices) = of_region(region);
        Self { bucket_gb: prices.s3_gb_month, logs_gb: prices.logs_gb_month }
    }

    /// For objects in a bucket.
    pub fn bucket(self, bytes: u64) -> f64 {
        self.bucket_gb * bytes as f64 / GB
    }

    /// For log lines, compressed as they are kept.
    pub fn logs(self, bytes: u64) -> f64 {
        self.logs_gb * bytes as f64 / GB
    }
}

/// Events that usd per million events is for.
const EVENTS: f64 = 1_000_000.0;
/// Bytes of a GB, as AWS bills it.
const GB: f64 = 1_073_741_824.0;
/// Bytes of a MB, as Firehose buffers it.
const MB: f64 = 1_048_576.0;
const HOURS_A_DAY: f64 = 24.0;
const HOURS_A_MONTH: f64 = 730.0;
const DAYS_A_MONTH: f64 = HOURS_A_MONTH / HOURS_A_DAY;
/// Hours that Kinesis keeps a record without a price of its own.
const RETENTION_INCLUDED_HOURS: u32 = 24;
/// Hours above which it has a price by what is kept.
const RETENTION_LONG_HOURS: u32 = 168;
/// Bytes of Kinesis's put unit.
const PUT_UNIT_BYTES: f64 = 25_600.0;
/// Firehose rounds each record up to a multiple of this many bytes.
const FIREHOSE_UNIT_BYTES: f64 = 5_120.0;
/// What a warm call of the function is billed for, in seconds: a put to Kinesis takes most of it.
const CALL_SECONDS: f64 = 0.015;
/// The memory that the template gives the function, in GB.
const FUNCTION_GB: f64 = 0.5;
/// Bytes of log an event makes: the function's line, Lambda's own lines about the call, a line of the
/// access log, and 26 bytes that CloudWatch Logs adds to each.
const LOG_BYTES_AN_EVENT: f64 = 1_900.0;

/// What of a pipeline's settings its price depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizing {
    /// Shards of the stream.
    pub shards: u32,
    /// How long the stream keeps a record, in hours.
    pub retention_hours: u32,
    /// Firehose delivers at this size, in MB.
    pub buffer_mb: u32,
    /// How long log lines are kept, in days.
    pub log_retention_days: u32,
    /// The function runs on arm64.
    pub is_arm: bool,
}

impl Default for Sizing {
    /// As the template's defaults are.
    fn default() -> Self {
        Self { shards: 1, retention_hours: 24, buffer_mb: 1, log_retention_days: 7, is_arm: false }
    }
}

impl Estimate {
    /// What a pipeline of these settings roughly costs in a region: the objects of a month included,
    /// full objects assumed. With few events an object holds less than that, and each costs its put.
    pub fn of(region: &str, sizing: Sizing) -> Self {
        let (priced_region, prices) = of_region(region);
        Self {
            idle_usd_per_day: prices.idle_day(sizing),
            usd_per_million_events: prices.million_events(sizing),
            priced_region: priced_region.into(),
            as_of: AS_OF.into(),
            source: SOURCE.into(),
        }
    }
}

impl Prices {
    /// What is paid for while nothing comes: the shards.
    fn idle_day(&self, sizing: Sizing) -> f64 {
        let is_extended = sizing.retention_hours > RETENTION_INCLUDED_HOURS;
        let extended = if is_extended { self.kinesis_extended_shard_hour } else { 0.0 };
        f64::from(sizing.shards) * HOURS_A_DAY * (self.kinesis_shard_hour + extended)
    }

    fn million_events(&self, sizing: Sizing) -> f64 {
        Hop::ALL.iter().map(|hop| self.million_at(*hop, sizing)).sum::<f64>() + self.million_logged(sizing)
    }

    /// What a hop costs for a million events, without the log lines they leave.
    fn million_at(&self, hop: Hop, sizing: Sizing) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a thousand bytes")]
        let event_bytes = Estimate::EVENT_BYTES as f64;
        let bytes = EVENTS * event_bytes;
        match hop {
            Hop::Api => self.api_million_requests,
            Hop::Lambda => {
                let gb_second = if sizing.is_arm { self.lambda_gb_second_arm } else { self.lambda_gb_second_x86 };
                self.lambda_million_requests + EVENTS * CALL_SECONDS * FUNCTION_GB * gb_second
            }
            Hop::Kinesis => {
                let long_hours = sizing.retention_hours.saturating_sub(RETENTION_LONG_HOURS);
                (event_bytes / PUT_UNIT_BYTES).ceil() * self.kinesis_million_put_units
                    + bytes / GB * f64::from(long_hours) / HOURS_A_MONTH * self.kinesis_long_gb_month
            }
            Hop::Firehose => {
                let billed_bytes = (event_bytes / FIREHOSE_UNIT_BYTES).ceil() * FIREHOSE_UNIT_BYTES;
                EVENTS * billed_bytes / GB * self.firehose_gb
            }
            Hop::S3 => {
                let objects = bytes / (f64::from(sizing.buffer_mb.max(1)) * MB);
                objects / 1_000.0 * self.s3_thousand_puts + bytes / GB * self.s3_gb_month
            }
        }
    }

    /// What the log lines of a million events cost.
    fn million_logged(&self, sizing: Sizing) -> f64 {
        let log_gb = EVENTS * LOG_BYTES_AN_EVENT / GB;
        log_gb * (self.logs_gb + f64::from(sizing.log_retention_days) / DAYS_A_MONTH * self.logs_gb_month)
    }
}

/// What one hop roughly costs, at list prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HopCost {
    /// US dollars a day while no event comes.
    pub idle_usd_per_day: f64,
    /// US dollars for a million events of [`Estimate::EVENT_BYTES`].
    pub usd_per_million_events: f64,
    /// The region that the prices are of.
    pub priced_region: &'static str,
    /// When the prices were looked up.
    pub as_of: &'static str,
}

impl HopCost {
    /// Of a hop, in a region, or where that one's prices are not known in the usual one.
    pub fn of(region: &str, hop: Hop, sizing: Sizing) -> Self {
        let (priced_region, prices) = of_region(region);
        let idle = if hop == Hop::Kinesis { prices.idle_day(sizing) } else { 0.0 };
        Self {
            idle_usd_per_day: idle,
            usd_per_million_events: prices.million_at(hop, sizing),
            priced_region,
            as_of: AS_OF,
        }
    }

    /// Of the log lines that events leave.
    pub fn of_logs(region: &str, sizing: Sizing) -> Self {
        let (priced_region, prices) = of_region(region);
        Self {
            idle_usd_per_day: 0.0,
            usd_per_million_events: prices.million_logged(sizing),
            priced_region,
            as_of: AS_OF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_about(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() < 0.005
    }

    #[test]
    fn an_idle_pipeline_costs_its_shards() {
        let idle = |sizing| Estimate::of("us-east-1", sizing).idle_usd_per_day;
        assert!(is_about(idle(Sizing::default()), 0.36));
        assert!(is_about(idle(Sizing { shards: 3, ..Sizing::default() }), 1.08));
        assert!(is_about(idle(Sizing { retention_hours: 48, ..Sizing::default() }), 0.84));
    }

    #[test]
    fn a_million_events_cost_the_sum_of_the_hops() {
        let estimate = Estimate::of("us-east-1", Sizing::default());
        // 1.00 API, 0.325 Lambda, 0.014 Kinesis, 0.138 Firehose, 0.026 S3, 0.897 Logs.
        assert!(is_about(estimate.usd_per_million_events, 2.401), "{estimate:?}");
        let arm = Estimate::of("us-east-1", Sizing { is_arm: true, ..Sizing::default() });
        assert!(arm.usd_per_million_events < estimate.usd_per_million_events);
        let year = Estimate::of("us-east-1", Sizing { retention_hours: 8_760, ..Sizing::default() });
        assert!(is_about(year.usd_per_million_events - estimate.usd_per_million_events, 0.252), "{year:?}");
    }

    #[test]
    fn the_hops_and_their_logs_are_the_whole() {
        let sizing = Sizing { shards: 2, retention_hours: 400, ..Sizing::default() };
        let whole = Estimate::of("us-east-1", sizing);
        let hops = Hop::ALL.map(|hop| HopCost::of("us-east-1", hop, sizing));
        let logs = HopCost::of_logs("us-east-1", sizing);
        let sum: f64 = hops.iter().chain([&logs]).map(|cost| cost.usd_per_million_events).sum();
        assert!(is_about(sum, whole.usd_per_million_events));
        let idle: f64 = hops.iter().map(|cost| cost.idle_usd_per_day).sum();
        assert!(is_about(idle, whole.idle_usd_per_day));
    }

    #[test]
    fn a_region_without_known_prices_says_whose_it_takes() {
        assert_eq!(Estimate::of("us-west-2", Sizing::default()).priced_region, "us-west-2");
        assert_eq!(Estimate::of("ap-southeast-2", Sizing::default()).priced_region, "us-east-1");
    }
}
