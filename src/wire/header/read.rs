//! From bytes to a header, line by line, with every rule of the format. It must never ask for a byte more than the line it
//! stands in, nor accept two spellings of one header. Start with [`assemble`].

use base64::{DecodeError, Engine as _, prelude::BASE64_STANDARD_NO_PAD};

use super::{
    BODY_COLUMNS, FIRST_LINE_LIMIT, Header, HeaderError, LineFault, MAC_BYTES, MAC_MARK, MAX_HEADER_BYTES, STANZA_MARK,
    Stanza, VERSION_LINE, check_stanzas, is_printable,
};

/// Takes bytes one at a time until a header is complete; the one way in for slices and streams.
pub(super) fn assemble<E: From<HeaderError>>(
    mut next_byte: impl FnMut() -> Result<Option<u8>, E>,
) -> Result<Header, E> {
    let mut reading = Reading { raw: Vec::new(), lines: 0, stanzas: Vec::new(), place: Place::Version };
    let mut line = Vec::new();
    loop {
        match next_byte()? {
            Some(b'\n') => {
                if let Some(mac) = reading.take_line(&line)? {
                    check_stanzas(&reading.stanzas)?;
                    return Ok(Header { raw: reading.raw, stanzas: reading.stanzas, mac });
                }
                line.clear();
            }
            Some(byte) if line.len() < reading.line_limit() => line.push(byte),
            unfinished => return Err(reading.broken_off(&line, unfinished.is_some()).into()),
        }
    }
}

/// A header of which some lines were read.
struct Reading {
    raw: Vec<u8>,
    lines: usize,
    stanzas: Vec<Stanza>,
    place: Place,
}

/// What the next line of a header must be.
enum Place {
    Version,
    StanzaOrMac,
    Body(Stanza),
}

impl Reading {
    /// How long the next line may be, without its newline.
    fn line_limit(&self) -> usize {
        match self.place {
            Place::Version => FIRST_LINE_LIMIT,
            Place::StanzaOrMac | Place::Body(_) => MAX_HEADER_BYTES.saturating_sub(self.raw.len()),
        }
    }

    /// Takes a line without its newline; answers with the MAC when it was the last.
    fn take_line(&mut self, line: &[u8]) -> Result<Option<[u8; MAC_BYTES]>, HeaderError> {
        self.raw.extend_from_slice(line);
        self.raw.push(b'\n');
        self.lines += 1;
        if self.raw.len() > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLong);
        }
        let taken = match (line.last(), std::mem::replace(&mut self.place, Place::StanzaOrMac)) {
            (_, Place::Version) if line == VERSION_LINE => Ok(None),
            (Some(b'\r'), Place::Version) if line.starts_with(VERSION_LINE) => Err(LineFault::CarriageReturn),
            (_, Place::Version) => return Err(first_line_error(line)),
            (Some(b'\r'), _) => Err(LineFault::CarriageReturn),
            (Some(b' '), _) => Err(LineFault::TrailingSpace),
            (_, Place::StanzaOrMac) if line.starts_with(MAC_MARK) => parse_mac(line).map(Some),
            (_, Place::StanzaOrMac) => parse_stanza_line(line).map(|stanza| {
                self.place = Place::Body(stanza);
                None
            }),
            (_, Place::Body(stanza)) => self.take_body_line(stanza, line).map(|()| None),
        };
        taken.map_err(|fault| HeaderError::Line { line: self.lines, fault })
    }

    fn take_body_line(&mut self, mut stanza: Stanza, line: &[u8]) -> Result<(), LineFault> {
        if line.len() > BODY_COLUMNS {
            return Err(LineFault::TooWide);
        }
        // `-` is not of the base64 alphabet, so this cannot be a body.
        if line.starts_with(STANZA_MARK) || line.starts_with(MAC_MARK) {
            return Err(LineFault::BodyNotEnded);
        }
        stanza.body.extend(decode_base64(line)?);
        if line.len() == BODY_COLUMNS {
            self.place = Place::Body(stanza);
        } else {
            self.stanzas.push(stanza);
        }
        Ok(())
    }

    /// The error for input that ended, or ran on past the limit, inside a line.
    fn broken_off(&self, line: &[u8], runs_on: bool) -> HeaderError {
        match self.place {
            Place::Version if runs_on || !VERSION_LINE.starts_with(line) => first_line_error(line),
            _ if runs_on => HeaderError::TooLong,
            _ => HeaderError::Truncated { line: self.lines + 1 },
        }
    }
}

fn first_line_error(line: &[u8]) -> HeaderError {
    if line.starts_with(b"-----BEGIN AGE") {
        HeaderError::Armored
    } else if line.starts_with(b"age-encryption.org/") {
        HeaderError::UnsupportedVersion
    } else {
        HeaderError::NotAge
    }
}

fn parse_mac(line: &[u8]) -> Result<[u8; MAC_BYTES], LineFault> {
    let encoded = line.strip_prefix(MAC_MARK).and_then(|rest| rest.strip_prefix(b" ")).ok_or(LineFault::BadMac)?;
    let mac = decode_base64(encoded).map_err(|_| LineFault::BadMac)?;
    mac.try_into().map_err(|_| LineFault::BadMac)
}

fn parse_stanza_line(line: &[u8]) -> Result<Stanza, LineFault> {
    let words = line.strip_prefix(STANZA_MARK).and_then(|rest| rest.strip_prefix(b" ")).ok_or(LineFault::NotAStanza)?;
    if let Some(at) = line.iter().position(|&byte| byte != b' ' && !is_printable(byte)) {
        return Err(LineFault::ForbiddenByte(at + 1));
    }
    let mut words = words.split(|&byte| byte == b' ').map(|word| {
        if word.is_empty() {
            return Err(LineFault::EmptyArgument);
        }
        Ok(word.iter().copied().map(char::from).collect::<String>())
    });
    let tag = words.next().ok_or(LineFault::EmptyArgument)??;
    Ok(Stanza { tag, args: words.collect::<Result<_, _>>()?, body: Vec::new() })
}

pub(super) fn decode_base64(line: &[u8]) -> Result<Vec<u8>, LineFault> {
    BASE64_STANDARD_NO_PAD.decode(line).map_err(|error| match error {
        DecodeError::InvalidByte(_, b'=') | DecodeError::InvalidPadding => LineFault::Base64Padding,
        DecodeError::InvalidByte(at, _) => LineFault::NotBase64(at + 1),
        DecodeError::InvalidLength(_) => LineFault::Base64Length,
        DecodeError::InvalidLastSymbol(..) => LineFault::Base64NotCanonical,
    })
}
