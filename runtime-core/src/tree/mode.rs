//! What `--chmod` makes of a mode: a number, or the changes of chmod(1)'s clauses one after the other.

use super::meta::Meta;
use crate::error::{Error, Result};

const EXECUTE: u32 = 0o111;
const PERMISSIONS: u32 = 0o7777;

#[derive(Clone, Debug)]
pub enum ModeRule {
    Exactly(u32),
    Changed(Vec<ModeChange>),
}

/// One change; the bits are those that it may touch.
#[derive(Clone, Debug)]
pub enum ModeChange {
    Clear(u32),
    Set(u32),
    /// `X`: for directories, and for what somebody could execute before the first change.
    SetIfExecutable(u32),
    /// `g=u`: the permissions of a class, given to others.
    Copy {
        /// How far the class's bits are from the lowest: 6, 3 or 0.
        shift: u32,
        bits: u32,
        how: CopyHow,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum CopyHow {
    Replace,
    Add,
    Remove,
}

impl ModeRule {
    pub fn of(&self, meta: &Meta) -> u32 {
        match self {
            Self::Exactly(mode) => *mode,
            Self::Changed(changes) => {
                let is_executable = meta.is_directory() || meta.mode & EXECUTE != 0;
                changes
                    .iter()
                    .fold(meta.mode, |mode, change| change.apply(mode, is_executable))
                    & PERMISSIONS
            }
        }
    }
}

impl ModeChange {
    /// As TypeScript spells it. Errors: `INTERNAL`.
    pub fn parse(op: &str, bits: u32, shift: u32) -> Result<Self> {
        let copy = |how| Self::Copy { shift, bits, how };
        match op {
            "clear" => Ok(Self::Clear(bits)),
            "set" => Ok(Self::Set(bits)),
            "set-if-executable" => Ok(Self::SetIfExecutable(bits)),
            "copy" if shift <= 6 => Ok(copy(CopyHow::Replace)),
            "copy-set" if shift <= 6 => Ok(copy(CopyHow::Add)),
            "copy-clear" if shift <= 6 => Ok(copy(CopyHow::Remove)),
            _ => Err(Error::new("INTERNAL", "read mode", format!("no change {op}"))),
        }
    }

    fn apply(&self, mode: u32, is_executable: bool) -> u32 {
        match self {
            Self::Clear(bits) => mode & !bits,
            Self::Set(bits) => mode | bits,
            Self::SetIfExecutable(bits) if is_executable => mode | bits,
            Self::SetIfExecutable(_) => mode,
            Self::Copy { shift, bits, how } => {
                // The same three bits for each class, as far as it takes part.
                let given = (((mode >> shift) & 0o7) * 0o111) & bits;
                match how {
                    CopyHow::Replace => (mode & !(0o777 & bits)) | given,
                    CopyHow::Add => mode | given,
                    CopyHow::Remove => mode & !given,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ModeChange;

    #[test]
    fn changes_touch_only_their_bits() {
        let table = [
            ("clear", 0o022, 0, 0o777, 0o755),
            ("set", 0o4000, 0, 0o755, 0o4755),
            ("set-if-executable", 0o111, 0, 0o644, 0o644),
            ("copy", 0o070, 6, 0o755, 0o775),
            ("copy-set", 0o007, 3, 0o640, 0o644),
            ("copy-clear", 0o070, 0, 0o775, 0o725),
        ];
        for (op, bits, shift, before, after) in table {
            let change = ModeChange::parse(op, bits, shift).unwrap();
            assert_eq!(change.apply(before, false), after, "{op} {bits:o} on {before:o}");
        }
    }
}
