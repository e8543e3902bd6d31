//! Base URLs of the deployed site.

use crate::agents::verification::Target;
use crate::config::{Reader, Setting};
use crate::net::url_guard::{AllowedUrl, UrlPolicy};

/// What `/verify-latest` and `/verify-run` check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The frontend.
    pub frontend: Option<AllowedUrl>,
    /// The API.
    pub api: Option<AllowedUrl>,
}

const SHAPE: &str = "it must be a public https URL without query, fragment or &, of ALLOWED_DOMAINS if those are set";

const FRONTEND: Setting = Setting {
    name: "FRONTEND_BASE_URL",
    about: "base URL of the deployed frontend, for `/verify-latest` and `/verify-run`; a public https URL",
    default: "those checks are not made",
    shape: SHAPE,
};

const API: Setting = Setting {
    name: "VITE_API_BASE",
    about: "the same for its API",
    default: "those checks are not made",
    shape: SHAPE,
};

/// The settings of this module.
pub(crate) const DECLARED: &[&Setting] = &[&FRONTEND, &API];

impl Settings {
    /// The base URL of a target.
    pub(crate) fn base(&self, target: Target) -> Option<&str> {
        let url = match target {
            Target::Frontend => self.frontend.as_ref(),
            Target::Api => self.api.as_ref(),
            Target::Page => None,
        };
        url.map(AllowedUrl::as_str)
    }

    /// Reads these settings; `urls` says which URLs are allowed.
    pub fn read(reader: &mut Reader<'_>, urls: &UrlPolicy) -> Self {
        let base = |text: &str| urls.check(text).ok();
        Self { frontend: reader.optional(&FRONTEND, base), api: reader.optional(&API, base) }
    }
}
