//! Classic BPF as seccomp(2) runs it, and a compiler from ranges of system call numbers to a tree of comparisons.

/// struct sock_filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    operand: u32,
}

/// Where struct seccomp_data holds what a filter may look at.
pub const NUMBER: u32 = 0;
pub const ARCHITECTURE: u32 = 4;

/// The low half of argument `index`; the kernel ignores the high half of int arguments, so a filter must too.
pub const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

pub const ALLOW: u32 = 0x7fff_0000;
pub const KILL_PROCESS: u32 = 0x8000_0000;

pub const fn fail_with(errno: i32) -> u32 {
    0x0005_0000 | errno as u32
}

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const EQUAL: u16 = 0x15;
const GREATER_OR_EQUAL: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

pub type Program = Vec<Instruction>;

pub fn load(offset: u32) -> Program {
    vec![Instruction {
        code: LOAD,
        jump_true: 0,
        jump_false: 0,
        operand: offset,
    }]
}

pub fn give(action: u32) -> Program {
    vec![Instruction {
        code: RETURN,
        jump_true: 0,
        jump_false: 0,
        operand: action,
    }]
}

/// Runs `then` when the loaded word is `value`, and goes on behind it otherwise. `then` must not fall through.
pub fn when_equal(value: u32, then: Program) -> Program {
    branch(EQUAL, value, then, Program::new())
}

/// Runs `then` when the loaded word has one of `bits`.
pub fn when_any_bit(bits: u32, then: Program) -> Program {
    branch(ANY_BIT, bits, then, Program::new())
}

fn when_at_least(value: u32, then: Program, otherwise: Program) -> Program {
    branch(GREATER_OR_EQUAL, value, then, otherwise)
}

/// A comparison, then `then`, then `otherwise`. Jumps reach 255 instructions; a longer one takes an instruction of its own.
fn branch(code: u16, operand: u32, then: Program, otherwise: Program) -> Program {
    let mut program = match u8::try_from(then.len()) {
        Ok(jump_false) => vec![Instruction {
            code,
            jump_true: 0,
            jump_false,
            operand,
        }],
        Err(_) => vec![
            Instruction {
                code,
                jump_true: 1,
                jump_false: 0,
                operand,
            },
            Instruction {
                code: JUMP,
                jump_true: 0,
                jump_false: 0,
                operand: then.len() as u32,
            },
        ],
    };
    program.extend(then);
    program.extend(otherwise);
    program
}

/// What happens to the numbers from `start` to the next segment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub start: u32,
    pub action: u32,
}

/// A balanced tree over segments in ascending order, the first of which starts at 0.
pub fn tree(segments: &[Segment]) -> Program {
    match segments {
        [] => Program::new(),
        [only] => give(only.action),
        _ => {
            let (low, high) = segments.split_at(segments.len() / 2);
            when_at_least(high[0].start, tree(high), tree(low))
        }
    }
}

/// The bytes that the kernel reads, in the byte order of the machines this is for.
pub fn bytes(program: &Program) -> Vec<u8> {
    let encode = |i: &Instruction| {
        let mut out = [0u8; 8];
        out[..2].copy_from_slice(&i.code.to_le_bytes());
        (out[2], out[3]) = (i.jump_true, i.jump_false);
        out[4..].copy_from_slice(&i.operand.to_le_bytes());
        out
    };
    program.iter().flat_map(encode).collect()
}

/// Runs a program as the kernel does.
#[cfg(test)]
pub fn run(program: &Program, architecture: u32, number: u32, arguments: [u32; 3]) -> u32 {
    let word = |offset| match offset {
        NUMBER => number,
        ARCHITECTURE => architecture,
        other => arguments[((other - 16) / 8) as usize],
    };
    let (mut at, mut loaded) = (0usize, 0u32);
    loop {
        let i = program[at];
        at += 1;
        let is_true = match i.code {
            LOAD => {
                loaded = word(i.operand);
                continue;
            }
            RETURN => return i.operand,
            JUMP => {
                at += i.operand as usize;
                continue;
            }
            EQUAL => loaded == i.operand,
            GREATER_OR_EQUAL => loaded >= i.operand,
            ANY_BIT => loaded & i.operand != 0,
            other => panic!("code {other:#x}"),
        };
        at += usize::from(if is_true { i.jump_true } else { i.jump_false });
    }
}
