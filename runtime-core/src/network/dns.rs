//! DNS messages, as far as a resolver that forwards must understand them: RFC 1035.

use std::net::IpAddr;

use super::packet::word;

const HEADER: usize = 12;
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const INTERNET: u16 = 1;

/// Answers without an answer: RFC 1035, section 4.1.1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Failure {
    Format = 1,
    Server = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,
}

/// The one question of a query.
#[derive(Debug, PartialEq)]
pub struct Question {
    /// Lower case, without the dot at the end. Bytes that are not printable are shown as `?`.
    pub name: String,
    /// Where the question ends in the message.
    end: usize,
}

/// Whether it asks something. What does not is never answered, or two nameservers could go on for ever.
pub fn is_query(message: &[u8]) -> bool {
    message.len() >= HEADER && message[2] & 0x80 == 0
}

/// The question of a query, whatever its type and class. As other nameservers do, none with more or fewer than one is answered.
pub fn question(query: &[u8]) -> Result<Question, Failure> {
    let operation = query[2] >> 3 & 0xf;
    if operation != 0 {
        return Err(Failure::NotImplemented);
    }
    match word(query, 4) {
        Some(1) => read_question(query).ok_or(Failure::Format),
        _ => Err(Failure::Format),
    }
}

fn read_question(message: &[u8]) -> Option<Question> {
    let (name, end) = name(message, HEADER)?;
    word(message, end + 2)?;
    Some(Question { name, end: end + 4 })
}

/// The query without what a step could hide in it: the header, the question, and that long answers are welcome.
pub fn plain_query(message: &[u8], question: &Question) -> Vec<u8> {
    let mut plain = message[..question.end].to_vec();
    let takes_options = word(message, 10).is_some_and(|count| count > 0);
    plain[6..10].fill(0);
    plain[10..12].copy_from_slice(&u16::from(takes_options).to_be_bytes());
    if takes_options {
        // RFC 6891: the root's name, the type, 1232 bytes of UDP, no flags, no options.
        plain.push(0);
        plain.extend_from_slice(&OPT.to_be_bytes());
        plain.extend_from_slice(&[0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    }
    plain
}

/// Whether `answer` belongs to `query`.
pub fn answers(answer: &[u8], query: &[u8]) -> bool {
    let is_response = answer.get(2).is_some_and(|byte| byte & 0x80 != 0);
    is_response
        && answer[..2] == query[..2]
        && match (word(answer, 4), read_question(answer), read_question(query)) {
            // Some servers leave the question out of an error.
            (Some(0), _, _) => answer.len() >= HEADER,
            (_, Some(answered), Some(asked)) => answered.name == asked.name,
            _ => false,
        }
}

/// The answer that there is none.
pub fn failure(query: &[u8], question: &Question, why: Failure) -> Vec<u8> {
    let mut answer = query[..question.end].to_vec();
    fail(&mut answer, why);
    answer
}

/// The same to a query whose question cannot be read: the header alone.
pub fn unreadable(query: &[u8], why: Failure) -> Vec<u8> {
    let mut answer = query[..HEADER].to_vec();
    answer[4..6].fill(0);
    fail(&mut answer, why);
    answer
}

/// A response, with the operation of the query and whether recursion was desired; it is available, and there are no records.
fn fail(answer: &mut [u8], why: Failure) {
    answer[2] = 0x80 | (answer[2] & 0x79);
    answer[3] = 0x80 | why as u8;
    answer[6..12].fill(0);
}

/// Whether the server had no answer of its own, so that another may be asked.
pub fn is_unhelpful(answer: &[u8]) -> bool {
    let code = answer.get(3).map_or(0, |byte| byte & 0xf);
    code == Failure::Server as u8 || code == Failure::Refused as u8
}

/// An address of the name that was asked for, directly or by aliases.
pub struct Address {
    pub ip: IpAddr,
    pub seconds: u32,
}

/// The addresses an answer gives to the name in its question. Records of other names count for nothing.
pub fn addresses(answer: &[u8]) -> Vec<Address> {
    let Some(question) = read_question(answer) else {
        return Vec::new();
    };
    let count = word(answer, 6).unwrap_or(0);
    let mut names = vec![question.name];
    let mut found = Vec::new();
    let mut at = question.end;
    for _ in 0..count {
        let Some(record) = Record::read(answer, at) else {
            break;
        };
        at = record.end;
        if record.class != INTERNET || !names.contains(&record.owner) {
            continue;
        }
        match (record.kind, record.data) {
            (CNAME, _) => names.extend(name(answer, record.data_at).map(|(alias, _)| alias)),
            (A, &[a, b, c, d]) => found.push(record.address(IpAddr::from([a, b, c, d]))),
            (AAAA, data) => {
                if let Ok(octets) = <[u8; 16]>::try_from(data) {
                    found.push(record.address(IpAddr::from(octets)));
                }
            }
            _ => {}
        }
    }
    found
}

struct Record<'a> {
    owner: String,
    kind: u16,
    class: u16,
    seconds: u32,
    data: &'a [u8],
    data_at: usize,
    end: usize,
}

impl<'a> Record<'a> {
    fn read(message: &'a [u8], at: usize) -> Option<Self> {
        let (owner, at) = name(message, at)?;
        let data_at = at + 10;
        let end = data_at + usize::from(word(message, at + 8)?);
        Some(Self {
            owner,
            kind: word(message, at)?,
            class: word(message, at + 2)?,
            seconds: u32::from_be_bytes(*message.get(at + 4..)?.first_chunk()?),
            data: message.get(data_at..end)?,
            data_at,
            end,
        })
    }

    fn address(&self, ip: IpAddr) -> Address {
        Address {
            ip,
            seconds: self.seconds,
        }
    }
}

/// A name and where the message goes on after it: RFC 1035, section 4.1.4. A pointer must lead back, so that it ends.
fn name(message: &[u8], start: usize) -> Option<(String, usize)> {
    const LONGEST: usize = 255;
    let mut text = String::new();
    let mut at = start;
    let mut after = None;
    loop {
        let length = *message.get(at)?;
        match length {
            0 => return Some((text, after.unwrap_or(at + 1))),
            1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.extend(label.iter().map(|byte| printable(*byte)));
                at += 1 + label.len();
            }
            0xc0.. => {
                let target = usize::from(word(message, at)? & 0x3fff);
                after = after.or(Some(at + 2));
                if target >= at {
                    return None;
                }
                at = target;
            }
            _ => return None,
        }
        if text.len() > LONGEST {
            return None;
        }
    }
}

/// A dot inside a label is not one between labels.
fn printable(byte: u8) -> char {
    match byte {
        b'!'..=b'~' if byte != b'.' => char::from(byte.to_ascii_lowercase()),
        _ => '?',
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A query for the A records of `name`.
    pub fn query(id: u16, name: &str) -> Vec<u8> {
        let mut message = id.to_be_bytes().to_vec();
        message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        push_name(&mut message, name);
        message.extend_from_slice(&[0, 1, 0, 1]);
        message
    }

    fn push_name(message: &mut Vec<u8>, name: &str) {
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
    }

    fn answer(name: &str, records: &[(&str, u16, &[u8])]) -> Vec<u8> {
        let mut message = query(7, name);
        message[2] |= 0x80;
        message[7] = records.len() as u8;
        for (owner, kind, data) in records {
            push_name(&mut message, owner);
            message.extend_from_slice(&kind.to_be_bytes());
            message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
            message.extend_from_slice(&(data.len() as u16).to_be_bytes());
            message.extend_from_slice(data);
        }
        message
    }

    fn encoded(name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_name(&mut bytes, name);
        bytes
    }

    #[test]
    fn the_question_is_read_in_lower_case() {
        assert_eq!(question(&query(1, "Example.COM")).unwrap().name, "example.com");
        assert_eq!(question(&query(1, "a b.c")).unwrap().name, "a?b.c");
        assert!(!is_query(&answer("a.b", &[])), "a response is no query");
        assert!(
            !is_query(&query(1, "a.b")[..HEADER - 1]),
            "half a header is no query"
        );
    }

    #[test]
    fn a_query_that_cannot_be_forwarded_is_told_why() {
        let changed = |at: usize, byte: u8| {
            let mut message = query(0x1234, "a.b");
            message[at] = byte;
            message
        };
        let twice = 2 << 3 | 1;
        for (message, flags, why) in [
            (changed(2, twice), 0x80 | twice, Failure::NotImplemented),
            (changed(5, 0), 0x81, Failure::Format),
            (changed(5, 2), 0x81, Failure::Format),
            (changed(HEADER, 60), 0x81, Failure::Format),
            (query(0x1234, "a.b")[..HEADER + 2].to_vec(), 0x81, Failure::Format),
        ] {
            assert_eq!(question(&message), Err(why));
            let header = [0x12, 0x34, flags, 0x80 | why as u8, 0, 0, 0, 0, 0, 0, 0, 0];
            assert_eq!(unreadable(&message, why), header);
        }
    }

    #[test]
    fn a_question_of_any_type_and_class_is_one() {
        for (at, byte) in [(1, 255), (3, 3), (3, 255)] {
            let mut message = query(1, "version.bind");
            let tail = message.len() - 4;
            message[tail + at] = byte;
            assert_eq!(question(&message).unwrap().name, "version.bind");
        }
    }

    #[test]
    fn addresses_are_those_of_the_name_and_its_aliases() {
        let message = answer(
            "a.example",
            &[
                ("other.example", A, &[9, 9, 9, 9]),
                ("a.example", CNAME, &encoded("b.example")),
                ("b.example", CNAME, &encoded("c.example")),
                ("c.example", A, &[1, 2, 3, 4]),
                ("c.example", AAAA, &[0xfd; 16]),
            ],
        );
        let found: Vec<String> = addresses(&message).iter().map(|a| a.ip.to_string()).collect();
        assert_eq!(found, ["1.2.3.4", "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd"]);
    }

    #[test]
    fn pointers_lead_back_or_nowhere() {
        let mut looping = query(1, "a");
        looping[HEADER] = 0xc0;
        looping[HEADER + 1] = HEADER as u8;
        assert_eq!(question(&looping), Err(Failure::Format));
    }

    #[test]
    fn what_is_behind_the_question_does_not_pass() {
        let mut message = query(1, "a.example");
        message[11] = 1;
        message.extend_from_slice(b"secret");
        let plain = plain_query(&message, &question(&message).unwrap());
        assert!(!plain.windows(6).any(|part| part == b"secret"));
        assert_eq!(plain.len(), query(1, "a.example").len() + 11);
    }

    #[test]
    fn an_answer_must_be_to_the_query() {
        let asked = query(7, "a.example");
        assert!(answers(&answer("a.example", &[]), &asked));
        assert!(!answers(&answer("b.example", &[]), &asked));
        assert!(!answers(&asked, &asked));
    }
}
