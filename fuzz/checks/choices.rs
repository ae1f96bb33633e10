//! Bytes as a list of decisions: how an arbitrary input becomes a structured one.

/// Reads decisions from an input; when it is used up every decision is the first one.
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Decisions taken from `input`, from its beginning.
    pub fn of(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = if bound <= 256 { u64::from(self.byte()) } else { self.number() };
        usize::try_from(wide % (bound as u64)).unwrap_or(0)
    }

    /// Eight bytes as a number.
    pub fn number(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Yes once in two.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Yes once in `times`: for what would otherwise drown everything else.
    pub fn seldom(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of `list`, which is not empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }

    /// Up to `most` bytes, as many as the next byte says.
    pub fn some(&mut self, most: usize) -> &'a [u8] {
        let wanted = self.below(most + 1).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(wanted);
        self.rest = rest;
        taken
    }
}
