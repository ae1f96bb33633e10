//! What is counted, and by what it is broken down.

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Measure {
    /// Requests for access.
    Requests,
    /// Grants given.
    Grants,
    /// Releases.
    Releases,
    /// Denials.
    Denials,
    /// Acknowledgements that say the information was opened.
    Opened,
    /// Acknowledgements that report a defect.
    Defect,
    /// Releases without acknowledgement at the end of the period.
    Owed,
    /// Releases without acknowledgement at its beginning; never published here, but an earlier report may have.
    OwedBefore,
    /// Both kinds of acknowledgement together.
    Answered,
    /// Grants withdrawn by an advocate or a person.
    Withdrawn,
    /// Grants an institution handed back.
    HandedBack,
    /// Grants that ended by themselves.
    Ended,
    /// Answers to withdrawals that are overdue at the end.
    Overdue,
}

impl Measure {
    /// Those an institution is measured by, in the order of a page.
    pub const TOLD: [Self; 11] = [
        Self::Requests,
        Self::Grants,
        Self::Releases,
        Self::Opened,
        Self::Defect,
        Self::Owed,
        Self::Denials,
        Self::Withdrawn,
        Self::Overdue,
        Self::HandedBack,
        Self::Ended,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Requests => "Requests for access",
            Self::Grants => "Grants given",
            Self::Releases => "Releases",
            Self::Denials => "Releases denied",
            Self::Opened => "Acknowledged as opened",
            Self::Defect => "Acknowledged with a defect",
            Self::Owed => "Acknowledgement still owed at the end",
            Self::OwedBefore => "Acknowledgement owed at the beginning",
            Self::Answered => "Acknowledgements",
            Self::Withdrawn => "Grants withdrawn",
            Self::HandedBack => "Grants handed back",
            Self::Ended => "Grants ended by themselves",
            Self::Overdue => "Answers to withdrawals overdue at the end",
        }
    }

    /// Measures that are sums or parts of each other have the same.
    pub const fn family(self) -> Self {
        match self {
            Self::Opened | Self::Defect | Self::Owed | Self::OwedBefore | Self::Answered => Self::Releases,
            Self::Requests => Self::Grants,
            own => own,
        }
    }

    /// What it is broken down by, besides institutions and the whole.
    pub const fn breakdowns(self) -> &'static [By] {
        match self {
            Self::Requests => &[By::Month, By::Purpose, By::Reply],
            Self::Grants | Self::Releases => &[By::Month, By::Purpose],
            Self::Denials => &[By::Month, By::Purpose, By::Condition],
            Self::Withdrawn => &[By::Month],
            Self::Ended => &[By::Cause],
            Self::Answered => &[By::Wait],
            _ => &[],
        }
    }
}

/// By what it is broken down. The earlier is given up sooner where two together would say too much.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum By {
    /// Not at all: the whole.
    All,
    /// By calendar month.
    Month,
    /// Acknowledgements by the time since the release.
    Wait,
    /// Grants by why they ended.
    Cause,
    /// Requests by what came of them.
    Reply,
    /// Denials by the condition that failed.
    Condition,
    /// By purpose.
    Purpose,
    /// By institution.
    Institution,
}

impl By {
    /// Every way, in the order of a file.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Institution,
        Self::Purpose,
        Self::Month,
        Self::Condition,
        Self::Reply,
        Self::Wait,
        Self::Cause,
    ];

    /// The word for it in files for programs.
    pub const fn id(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Institution => "institution",
            Self::Purpose => "purpose",
            Self::Month => "month",
            Self::Condition => "condition",
            Self::Reply => "request",
            Self::Wait => "acknowledgement-time",
            Self::Cause => "end",
        }
    }

    /// What a table of it shows.
    pub const fn title(self) -> &'static str {
        match self {
            Self::All => "All institutions together",
            Self::Institution => "By institution",
            Self::Purpose => "By purpose",
            Self::Month => "By month",
            Self::Condition => "Releases denied, by the condition that was not met",
            Self::Reply => "Requests for access, by what came of them",
            Self::Wait => "Acknowledgements, by the time since the release",
            Self::Cause => "Grants that ended by themselves, by why",
        }
    }
}

/// One number of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    /// By what.
    pub by: By,
    /// Which row of that, from 0.
    pub row: usize,
    /// What.
    pub measure: Measure,
}
