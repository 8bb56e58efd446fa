//! The records of a status pipe, as far as this side looks at them: `init/src/report.rs` writes them, `sandbox-status.ts` reads them.

use super::wire;

const HEADER: usize = wire::RECORD_HEADER;

/// Whether the command ended with exit code 0.
pub fn has_succeeded(status: &[u8]) -> bool {
    let mut rest = status;
    while rest.len() >= HEADER {
        let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
        if word(0) == wire::RECORD_EXITED {
            return word(4) == 0;
        }
        let length = HEADER.saturating_add(word(8) as usize);
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// A failure as the helper would tell it.
pub fn failure(errno: i32, step: &str, subject: &str) -> Vec<u8> {
    let body = [step.as_bytes(), &[0], subject.as_bytes()].concat();
    let mut record = Vec::with_capacity(HEADER + body.len());
    for word in [wire::RECORD_FAILED, errno as u32, body.len() as u32, 0] {
        record.extend_from_slice(&word.to_le_bytes());
    }
    record.extend_from_slice(&body);
    record
}
