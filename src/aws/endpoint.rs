//! The endpoints of the services that are asked without their SDK crates, by the rules of AWS's SDKs: the one that is
//! set, or the region's.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use http::Uri;

use super::error::AwsError;

/// The domains of a partition.
struct Domains {
    usual: &'static str,
    /// Of the endpoints that speak IPv6 too.
    dual_stack: &'static str,
}

/// The partition of all regions that have none of the prefixes below.
const AWS: Domains = Domains { usual: "amazonaws.com", dual_stack: "api.aws" };

/// The other partitions that have domains of their own, by the prefix of their regions.
const PARTITIONS: &[(&str, Domains)] = &[
    ("cn-", Domains { usual: "amazonaws.com.cn", dual_stack: "api.amazonwebservices.com.cn" }),
    ("eusc-", Domains { usual: "amazonaws.eu", dual_stack: "api.amazonwebservices.eu" }),
    ("us-iso-", Domains { usual: "c2s.ic.gov", dual_stack: "api.aws.ic.gov" }),
    ("us-isob-", Domains { usual: "sc2s.sgov.gov", dual_stack: "api.aws.scloud" }),
    ("eu-isoe-", Domains { usual: "cloud.adc-e.uk", dual_stack: "api.cloud-aws.adc-e.uk" }),
    ("us-isof-", Domains { usual: "csp.hci.ic.gov", dual_stack: "api.aws.hci.ic.gov" }),
];

/// A service.
pub(super) struct Service {
    /// As settings of an endpoint name it.
    id: &'static str,
    /// As its hosts begin.
    host: &'static str,
}

pub(super) const SSM: Service = Service { id: "SSM", host: "ssm" };
pub(super) const CLOUDFORMATION: Service = Service { id: "CloudFormation", host: "cloudformation" };
pub(super) const LAMBDA: Service = Service { id: "Lambda", host: "lambda" };

impl Service {
    /// Where this configuration has the service.
    pub(super) fn of(&self, config: &SdkConfig) -> Result<Uri, AwsError> {
        let fips = config.use_fips().unwrap_or_default();
        let dual_stack = config.use_dual_stack().unwrap_or_default();
        let url = match self.set(config) {
            Some(_) if fips || dual_stack => {
                return Err(failed("an endpoint is set, so neither FIPS nor dual-stack can be"));
            }
            Some(url) => url,
            None => {
                let region = config.region().map_or("", AsRef::as_ref);
                if region.is_empty()
                    || region.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                {
                    return Err(failed("there is no such AWS region: set AWS_REGION"));
                }
                self.of_region(region, fips, dual_stack)
            }
        };
        let uri = format!("{}/", url.trim_end_matches('/')).parse::<Uri>().ok();
        uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .ok_or_else(|| failed("the endpoint of AWS that is set is no URL"))
    }

    /// The endpoint that the environment or a profile sets, for this service or for all.
    fn set(&self, config: &SdkConfig) -> Option<String> {
        let of_all = config.endpoint_url().map(str::to_owned);
        if config.get_origin("endpoint_url").is_client_config() {
            return of_all;
        }
        let key = ServiceConfigKey::builder().service_id(self.id).env("AWS_ENDPOINT_URL");
        let key = key.profile("endpoint_url").build().ok()?;
        config.service_config().and_then(|set| set.load_config(key)).or(of_all)
    }

    fn of_region(&self, region: &str, fips: bool, dual_stack: bool) -> String {
        let own = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
        let domains = own.map_or(&AWS, |(_, domains)| domains);
        let domain = if dual_stack { domains.dual_stack } else { domains.usual };
        // In GovCloud the usual endpoint is the one with FIPS.
        let is_usual = !fips || (region.starts_with("us-gov-") && !dual_stack);
        let fips = if is_usual { "" } else { "-fips" };
        format!("https://{}{fips}.{region}.{domain}", self.host)
    }
}

fn failed(why: &str) -> AwsError {
    AwsError::NotSetUp(why.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_types::origin::Origin;
    use aws_types::sdk_config::Builder;
    use aws_types::service_config::LoadServiceConfig;
    use rstest::rstest;

    use super::*;

    fn in_region(region: &'static str) -> Builder {
        SdkConfig::builder().region(Region::from_static(region))
    }

    fn endpoint(config: Builder) -> Result<String, String> {
        SSM.of(&config.build()).map(|uri| uri.to_string()).map_err(|error| error.to_string())
    }

    /// As the SDK's own test cases have it.
    #[rstest]
    #[case("eu-west-1", false, false, "ssm.eu-west-1.amazonaws.com")]
    #[case("us-east-1", true, false, "ssm-fips.us-east-1.amazonaws.com")]
    #[case("us-east-1", true, true, "ssm-fips.us-east-1.api.aws")]
    #[case("us-east-1", false, true, "ssm.us-east-1.api.aws")]
    #[case("cn-north-1", false, false, "ssm.cn-north-1.amazonaws.com.cn")]
    #[case("cn-north-1", true, true, "ssm-fips.cn-north-1.api.amazonwebservices.com.cn")]
    #[case("cn-north-1", true, false, "ssm-fips.cn-north-1.amazonaws.com.cn")]
    #[case("cn-north-1", false, true, "ssm.cn-north-1.api.amazonwebservices.com.cn")]
    #[case("us-gov-east-1", false, false, "ssm.us-gov-east-1.amazonaws.com")]
    #[case("us-gov-west-1", true, false, "ssm.us-gov-west-1.amazonaws.com")]
    #[case("us-gov-east-1", true, true, "ssm-fips.us-gov-east-1.api.aws")]
    #[case("us-gov-east-1", false, true, "ssm.us-gov-east-1.api.aws")]
    #[case("us-iso-east-1", false, false, "ssm.us-iso-east-1.c2s.ic.gov")]
    #[case("us-isob-east-1", true, false, "ssm-fips.us-isob-east-1.sc2s.sgov.gov")]
    #[case("eusc-de-east-1", false, false, "ssm.eusc-de-east-1.amazonaws.eu")]
    #[case("eu-isoe-west-1", false, false, "ssm.eu-isoe-west-1.cloud.adc-e.uk")]
    #[case("us-isof-south-1", false, false, "ssm.us-isof-south-1.csp.hci.ic.gov")]
    // A region that AWS may open one day.
    #[case("xx-north-9", false, false, "ssm.xx-north-9.amazonaws.com")]
    fn each_region_has_its_endpoint(
        #[case] region: &'static str,
        #[case] fips: bool,
        #[case] dual_stack: bool,
        #[case] host: &str,
    ) {
        let config = in_region(region).use_fips(fips).use_dual_stack(dual_stack);
        assert_eq!(endpoint(config), Ok(format!("https://{host}/")));
    }

    #[rstest]
    #[case("http://127.0.0.1:4566", "http://127.0.0.1:4566/")]
    #[case("https://proxy.example.com/aws/ssm/", "https://proxy.example.com/aws/ssm/")]
    fn an_endpoint_that_is_set_goes_before_the_regions(#[case] url: &str, #[case] used: &str) {
        assert_eq!(endpoint(in_region("eu-west-1").endpoint_url(url)), Ok(used.to_owned()));
    }

    #[derive(Debug)]
    struct OfSsm;

    impl LoadServiceConfig for OfSsm {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let key = (key.service_id(), key.env(), key.profile());
            (key == ("SSM", "AWS_ENDPOINT_URL", "endpoint_url")).then(|| "http://ssm:1".to_owned())
        }
    }

    #[test]
    fn an_endpoint_of_ssm_goes_before_the_one_of_all_services() {
        let both = || in_region("eu-west-1").endpoint_url("http://all:2").service_config(OfSsm);
        assert_eq!(endpoint(both()), Ok("http://ssm:1/".to_owned()));
        // One that was given by the code itself is meant for every service.
        let mut of_code = both();
        of_code.insert_origin("endpoint_url", Origin::shared_config());
        assert_eq!(endpoint(of_code), Ok("http://all:2/".to_owned()));
    }

    #[rstest]
    #[case::no_region(SdkConfig::builder(), "AWS_REGION")]
    #[case::empty(in_region(""), "AWS_REGION")]
    #[case::another_host(in_region("x@example.com/"), "AWS_REGION")]
    #[case::no_scheme(in_region("eu-west-1").endpoint_url("localhost:4566"), "no URL")]
    #[case::another_scheme(in_region("eu-west-1").endpoint_url("ftp://localhost"), "no URL")]
    #[case::fips(in_region("eu-west-1").endpoint_url("http://a").use_fips(true), "FIPS")]
    #[case::dual(in_region("eu-west-1").endpoint_url("http://a").use_dual_stack(true), "dual-stack")]
    fn what_makes_no_endpoint_is_said(#[case] config: Builder, #[case] words: &str) {
        let error = endpoint(config).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}
