//! The step's system call filter, of the strength of Docker's default profile: seccomp(2).
//!
//! What is not listed fails with EPERM; what is newer than the list fails with ENOSYS, so that programs fall back to what
//! they did before it existed. clone3 fails so too, because a filter cannot see its flags. Both instruction sets of a machine are
//! filtered (i386 on x86-64, arm on arm64); a third kills. x32 has no system calls at all here.

mod bpf;
mod table;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use bpf::{
    ALLOW, KILL_PROCESS, Program, Segment, argument, fail_with, give, load, tree, when_any_bit, when_equal,
};

/// A filter program for seccomp(2), made once.
pub fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| bpf::bytes(&filter(&MACHINE)))
}

/// One instruction set: its AUDIT_ARCH of linux/audit.h, its column of the table, and the calls whose arguments matter.
struct Architecture {
    audit: u32,
    column: usize,
    clone: u32,
    personality: u32,
    socket: u32,
}

const CLONE3: u32 = 435;

#[cfg(any(test, target_arch = "x86_64"))]
const X86_64: Architecture = Architecture {
    audit: 0xc000_003e,
    column: 0,
    clone: 56,
    personality: 135,
    socket: 41,
};
#[cfg(any(test, target_arch = "x86_64"))]
const I386: Architecture = Architecture {
    audit: 0x4000_0003,
    column: 1,
    clone: 120,
    personality: 136,
    socket: 359,
};
#[cfg(any(test, target_arch = "aarch64"))]
const ARM64: Architecture = Architecture {
    audit: 0xc000_00b7,
    column: 2,
    clone: 220,
    personality: 92,
    socket: 198,
};
#[cfg(any(test, target_arch = "aarch64"))]
const ARM: Architecture = Architecture {
    audit: 0x4000_0028,
    column: 3,
    clone: 120,
    personality: 136,
    socket: 281,
};

#[cfg(target_arch = "x86_64")]
const MACHINE: [Architecture; 2] = [X86_64, I386];
#[cfg(target_arch = "aarch64")]
const MACHINE: [Architecture; 2] = [ARM64, ARM];

/// The newest call the table knows of, file_setattr of Linux 6.17: all architectures share the numbers since 424.
const NEWEST: u32 = 469;
/// __X32_SYSCALL_BIT.
const X32: u32 = 0x4000_0000;

/// CLONE_NEW* of mount, cgroup, uts, ipc, user, pid and net: a step makes no namespaces.
const NAMESPACES: u32 = 0x7e02_0000;
/// Kernel crypto sockets and sockets to the hypervisor: much attack surface, and of no use to a build.
const CLOSED_FAMILIES: [u32; 2] = [libc::AF_ALG as u32, libc::AF_VSOCK as u32];
/// PER_LINUX, PER_LINUX32, UNAME26 and both together, and the question which it is.
const PERSONALITIES: [u32; 5] = [0, 8, 0x20000, 0x20008, 0xffff_ffff];

const REFUSED: u32 = fail_with(libc::EPERM);
const UNKNOWN: u32 = fail_with(libc::ENOSYS);

fn filter(architectures: &[Architecture]) -> Program {
    let mut program = load(bpf::ARCHITECTURE);
    for architecture in architectures {
        program.extend(when_equal(architecture.audit, calls(architecture)));
    }
    program.extend(give(KILL_PROCESS));
    program
}

fn calls(architecture: &Architecture) -> Program {
    let mut program = load(bpf::NUMBER);
    program.extend(when_any_bit(X32, give(UNKNOWN)));
    program.extend(when_equal(CLONE3, give(UNKNOWN)));
    program.extend(when_equal(architecture.clone, clone()));
    program.extend(when_equal(architecture.socket, socket()));
    program.extend(when_equal(architecture.personality, personality()));
    program.extend(tree(&segments(architecture.column)));
    program
}

fn clone() -> Program {
    [
        load(argument(0)),
        when_any_bit(NAMESPACES, give(REFUSED)),
        give(ALLOW),
    ]
    .concat()
}

fn socket() -> Program {
    let closed = CLOSED_FAMILIES
        .map(|family| when_equal(family, give(REFUSED)))
        .concat();
    [load(argument(0)), closed, give(ALLOW)].concat()
}

fn personality() -> Program {
    let open = PERSONALITIES
        .map(|persona| when_equal(persona, give(ALLOW)))
        .concat();
    [load(argument(0)), open, give(REFUSED)].concat()
}

/// The table as ranges of numbers with one action each.
fn segments(column: usize) -> Vec<Segment> {
    let allowed: BTreeSet<u32> = table::ALLOWED
        .iter()
        .filter_map(|(_, numbers)| numbers[column].try_into().ok())
        .collect();
    let action = |number: u32| match number {
        _ if allowed.contains(&number) => ALLOW,
        0..=NEWEST => REFUSED,
        _ => UNKNOWN,
    };
    // An action can change only where a listed number begins or ends.
    let edges: BTreeSet<u32> = allowed
        .iter()
        .flat_map(|number| [*number, number + 1])
        .chain([0, NEWEST + 1])
        .collect();
    let mut segments: Vec<Segment> = edges
        .into_iter()
        .map(|start| Segment {
            start,
            action: action(start),
        })
        .collect();
    segments.dedup_by_key(|segment| segment.action);
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Architecture; 4] = [X86_64, I386, ARM64, ARM];

    fn verdict(architecture: &Architecture, number: u32, arguments: [u32; 3]) -> u32 {
        bpf::run(&filter(&ALL), architecture.audit, number, arguments)
    }

    #[test]
    fn every_number_gets_what_the_table_says() {
        for architecture in &ALL {
            let special = [
                CLONE3,
                architecture.clone,
                architecture.socket,
                architecture.personality,
            ];
            for number in (0..=NEWEST + 50).chain([
                0xf0000,
                0xf0001,
                0xf0002,
                0xf0003,
                0xf0005,
                0xf0006,
                X32,
                X32 | 1,
                u32::MAX,
            ]) {
                let is_listed = table::ALLOWED
                    .iter()
                    .any(|(_, numbers)| numbers[architecture.column] == number as i32 && number < X32);
                let expected = if is_listed {
                    ALLOW
                } else if number > NEWEST {
                    UNKNOWN
                } else {
                    REFUSED
                };
                if !special.contains(&number) {
                    assert_eq!(
                        verdict(architecture, number, [0; 3]),
                        expected,
                        "{number} of {:#x}",
                        architecture.audit
                    );
                }
            }
        }
    }

    #[test]
    fn clone_makes_threads_and_processes_but_no_namespaces() {
        for architecture in &ALL {
            assert_eq!(verdict(architecture, architecture.clone, [17, 0, 0]), ALLOW);
            assert_eq!(
                verdict(architecture, architecture.clone, [0x003d_0f00, 0, 0]),
                ALLOW
            );
            for bit in [
                0x20000,
                0x0200_0000,
                0x0400_0000,
                0x0800_0000,
                0x1000_0000,
                0x2000_0000,
                0x4000_0000,
            ] {
                assert_eq!(
                    verdict(architecture, architecture.clone, [bit | 17, 0, 0]),
                    REFUSED
                );
            }
            assert_eq!(verdict(architecture, CLONE3, [0; 3]), UNKNOWN);
        }
    }

    #[test]
    fn sockets_of_closed_families_are_refused() {
        for (family, expected) in [
            (1, ALLOW),
            (2, ALLOW),
            (10, ALLOW),
            (16, ALLOW),
            (38, REFUSED),
            (40, REFUSED),
            (44, ALLOW),
        ] {
            assert_eq!(
                verdict(&X86_64, X86_64.socket, [family, 0, 0]),
                expected,
                "family {family}"
            );
        }
    }

    #[test]
    fn only_known_personalities_are_allowed() {
        assert_eq!(verdict(&I386, I386.personality, [8, 0, 0]), ALLOW);
        assert_eq!(verdict(&I386, I386.personality, [0x40000, 0, 0]), REFUSED);
    }

    #[test]
    fn another_instruction_set_kills() {
        assert_eq!(
            bpf::run(&filter(&[X86_64, I386]), ARM64.audit, 63, [0; 3]),
            KILL_PROCESS
        );
    }

    #[test]
    fn nothing_that_reaches_the_host_is_listed() {
        let closed = "mount umount2 pivot_root unshare setns bpf keyctl add_key request_key io_uring_setup userfaultfd \
                      perf_event_open init_module kexec_load open_by_handle_at fsopen fsmount move_mount open_tree reboot swapon \
                      iopl ioperm clone3 quotactl acct settimeofday syslog";
        for name in closed.split_whitespace() {
            assert!(
                !table::ALLOWED.iter().any(|(listed, _)| *listed == name),
                "{name}"
            );
        }
    }

    #[test]
    fn the_kernel_takes_a_program_of_this_length() {
        assert!(program().len() / 8 < 4096);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn numbers_agree_with_the_c_library() {
        let known = [
            ("read", libc::SYS_read),
            ("openat2", libc::SYS_openat2),
            ("statx", libc::SYS_statx),
            ("execve", libc::SYS_execve),
        ];
        for (name, number) in known {
            let row = table::ALLOWED
                .iter()
                .find(|(listed, _)| *listed == name)
                .expect("listed");
            assert_eq!(i64::from(row.1[0]), number, "{name}");
        }
    }
}
