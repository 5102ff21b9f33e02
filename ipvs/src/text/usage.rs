//! What is wrong with a command line, in ipvsadm's words.

use crate::Invalid;

/// A command line that ipvsadm refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Usage {
    /// No command, or none that ipvsadm knows.
    #[error("Try `{0} -h' or '{0} --help' for more information.")]
    NoCommand(String),
    /// An option that does not exist.
    #[error("{0}: unknown option")]
    UnknownOption(String),
    /// An option without its argument.
    #[error("{0}: missing argument")]
    MissingArgument(String),
    /// An argument to an option that takes none.
    #[error("{0}: option does not take an argument")]
    UnwantedArgument(String),
    /// A second command.
    #[error("invalid option `{0}'")]
    SecondCommand(String),
    /// A word that belongs to no option.
    #[error("unexpected argument {0}")]
    UnexpectedArgument(String),
    /// An option given twice.
    #[error("multiple '{0}' options specified")]
    Repeated(&'static str),
    /// An option that the command cannot do without.
    #[error("You need to supply the '{option}' option for the '{name}' {what}")]
    Needed {
        /// The option.
        option: &'static str,
        /// The name of what needs it.
        name: &'static str,
        /// `command` or `tunnel type`.
        what: &'static str,
    },
    /// An option that does not go with the command.
    #[error("Illegal '{option}' option with the '{name}' {what}")]
    Illegal {
        /// The option.
        option: &'static str,
        /// The name of what does not take it.
        name: &'static str,
        /// `command` or `tunnel type`.
        what: &'static str,
    },
    /// Two options that exclude each other.
    #[error("The option '{option}' conflicts with the '{other}' option in the '{name}' {what}")]
    Conflict {
        /// The later option.
        option: &'static str,
        /// The earlier option.
        other: &'static str,
        /// The name of what takes one of them.
        name: &'static str,
        /// `command` or `tunnel type`.
        what: &'static str,
    },
    /// Columns that a listing does not have.
    #[error("options conflicts in the list command")]
    ListConflict,
    /// A service address that cannot be read.
    #[error("illegal virtual server address[:port] specified")]
    ServiceAddress,
    /// A realserver address that cannot be read.
    #[error("illegal real server address[:port] specified")]
    ServerAddress,
    /// An address that IPVS would misread.
    #[error(transparent)]
    Address(Invalid),
    /// A firewall mark outside 1 to 4294967295.
    #[error("invalid fwmark value `{0}' specified")]
    Mark(String),
    /// `-6` without a firewall mark before it; ipvsadm ends this one with an empty line.
    #[error("-6 used before -f\n")]
    Ipv6BeforeMark,
    /// A number of seconds outside its range.
    #[error("invalid timeout value `{0}' specified")]
    Timeout(String),
    /// `--set` with too few values.
    #[error("--set option requires 3 timeout values")]
    MissingTimeouts,
    /// An IPv4 mask that cannot be read.
    #[error("illegal virtual server persistent mask specified")]
    Netmask,
    /// An IPv6 prefix length outside 1 to 128.
    #[error("illegal ipv6 netmask specified")]
    Ipv6Netmask,
    /// A scheduler flag that does not exist.
    #[error("invalid scheduler flag `{0}'")]
    Flag(String),
    /// A flag of another scheduler.
    #[error("incompatible scheduler flag `{0}'")]
    ForeignFlag(String),
    /// Every port without persistence.
    #[error("Zero port specified for non-persistent service")]
    ZeroPort,
    /// One-packet scheduling of something else than UDP.
    #[error("One-Packet Scheduling is only for UDP virtual services")]
    OnePacket,
    /// A persistence engine without persistence, which the kernel would never ask; ipvsadm takes it.
    #[error("a persistence engine is only for persistent virtual services: --pe needs -p")]
    EngineWithoutPersistence,
    /// A number outside its range.
    #[error("illegal {0} specified")]
    Number(&'static str),
    /// A tunnel type that does not exist.
    #[error("illegal tunnel type specified")]
    TunnelType,
    /// Tunnel options without a tunnel.
    #[error("Tunnel options conflict with forward method")]
    NoTunnel,
    /// A destination of another address family that is not behind a tunnel.
    #[error("Different address family is allowed only for tunneling servers")]
    MixedFamilies,
    /// A multicast group that is none.
    #[error("invalid {family} mcast-group `{group}'")]
    Group {
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// What was given.
        group: String,
    },
    /// A role that is neither `master` nor `backup`.
    #[error("illegal {0} specified")]
    Role(&'static str),
    /// A scheduler or engine name that no kernel can have.
    #[error("Scheduler or persistence engine not found")]
    UnknownModule,
    /// A lower threshold above the upper one.
    #[error("Numerical result out of range")]
    Thresholds,
    /// An interface name that no kernel can have.
    #[error("No such device")]
    Interface,
}

impl Usage {
    /// The exit status that ipvsadm has for it: 255 where its option library or the kernel finds the mistake, else 2.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::NoCommand(_)
            | Self::UnknownOption(_)
            | Self::MissingArgument(_)
            | Self::UnwantedArgument(_)
            | Self::UnknownModule
            | Self::Thresholds
            | Self::Interface => 255,
            _ => 2,
        }
    }
}
