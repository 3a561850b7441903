//! The calls of the protocol, by their names in both majors.

/// Major version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Major {
    /// Protocol 5.
    Five,
    /// Protocol 6.
    Six,
}

impl Major {
    /// The version of this number, if it is one that this room speaks.
    pub fn of(number: u64) -> Option<Self> {
        match number {
            5 => Some(Self::Five),
            6 => Some(Self::Six),
            _ => None,
        }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Five => 5,
            Self::Six => 6,
        }
    }
}

macro_rules! methods {
    ($($method:ident $five:literal $six:literal;)*) => {
        /// A call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Method {
            $(
                #[doc = $six]
                $method,
            )*
        }

        impl Method {
            /// Every call of the service `Provider`.
            pub(crate) const ALL: &[Self] = &[$(Self::$method),*];

            /// Its name in one of the majors.
            pub(crate) const fn name(self, major: Major) -> &'static str {
                match (self, major) {
                    $(
                        (Self::$method, Major::Five) => $five,
                        (Self::$method, Major::Six) => $six,
                    )*
                }
            }
        }
    };
}

methods! {
    Schema "GetSchema" "GetProviderSchema";
    ValidateProvider "PrepareProviderConfig" "ValidateProviderConfig";
    ValidateResource "ValidateResourceTypeConfig" "ValidateResourceConfig";
    ValidateData "ValidateDataSourceConfig" "ValidateDataResourceConfig";
    ValidateEphemeral "ValidateEphemeralResourceConfig" "ValidateEphemeralResourceConfig";
    Upgrade "UpgradeResourceState" "UpgradeResourceState";
    Configure "Configure" "ConfigureProvider";
    Read "ReadResource" "ReadResource";
    Plan "PlanResourceChange" "PlanResourceChange";
    Apply "ApplyResourceChange" "ApplyResourceChange";
    Import "ImportResourceState" "ImportResourceState";
    Move "MoveResourceState" "MoveResourceState";
    ReadData "ReadDataSource" "ReadDataSource";
    CallFunction "CallFunction" "CallFunction";
    Open "OpenEphemeralResource" "OpenEphemeralResource";
    Renew "RenewEphemeralResource" "RenewEphemeralResource";
    Close "CloseEphemeralResource" "CloseEphemeralResource";
    Stop "Stop" "StopProvider";
}

impl Method {
    /// The path of its requests.
    pub(crate) fn path(self, major: Major) -> String {
        format!("/tfplugin{}.Provider/{}", major.number(), self.name(major))
    }

    /// The call that a path asks for.
    pub(crate) fn of_path(path: &str) -> Option<(Self, Major)> {
        [Major::Five, Major::Six].into_iter().find_map(|major| {
            let all = Self::ALL.iter().copied();
            let found = all.filter(|method| method.path(major) == path);
            found.map(|method| (method, major)).next()
        })
    }
}
