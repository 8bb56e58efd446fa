//! Follows a running step on a thread of its own: output goes to JavaScript as it comes, and once, at the end, what is known of
//! the step. Three Node streams and a wait on the thread pool would take longer than a trivial step.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;

use napi::Status;
use napi::bindgen_prelude::{Buffer, FnArgs};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::process::SandboxReport;

/// What JavaScript is told: where it comes from, the bytes, and at the end the report.
pub type Told = FnArgs<(u32, Buffer, Option<SandboxReport>)>;
/// As many chunks wait for JavaScript at most; then the step waits too, as it would for a full pipe.
pub const MAX_WAITING: usize = 32;
pub type Listener = ThreadsafeFunction<Told, (), Told, Status, false, false, MAX_WAITING>;

/// pipe(7): as much as a pipe holds.
const CHUNK: usize = 64 << 10;
/// The number of the status pipe; those of the others are the descriptors of the step.
pub const STATUS: u32 = 2;

/// The ends of a step's pipes that the addon reads.
pub struct Pipes {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub status: OwnedFd,
}

impl Pipes {
    /// Reads all three to their ends, which is the end of the step. Returns what came by the status pipe.
    pub fn drain(self, mut on_output: impl FnMut(u32, Vec<u8>)) -> Vec<u8> {
        let files = [self.stdout, self.stderr, self.status].map(File::from);
        let mut buffer = vec![0; CHUNK];
        let mut open = [true; 3];
        let mut status = Vec::new();
        while open.contains(&true) {
            for pipe in readable(&files, &open) {
                match read_chunk(&files[pipe], &mut buffer) {
                    [] => open[pipe] = false,
                    bytes if pipe == STATUS as usize => status.extend_from_slice(bytes),
                    bytes => on_output(pipe as u32, bytes.to_vec()),
                }
            }
        }
        status
    }
}

/// Blocks until one of the open ones can be read or has ended.
fn readable(files: &[File; 3], open: &[bool; 3]) -> Vec<usize> {
    let watched: Vec<usize> = (0..files.len()).filter(|pipe| open[*pipe]).collect();
    let mut fds: Vec<PollFd<'_>> = watched
        .iter()
        .map(|pipe| PollFd::new(&files[*pipe], PollFlags::IN))
        .collect();
    while poll(&mut fds, None) == Err(Errno::INTR) {}
    let ready = fds.iter().map(|fd| !fd.revents().is_empty());
    watched
        .iter()
        .zip(ready)
        .filter_map(|(pipe, is_ready)| is_ready.then_some(*pipe))
        .collect()
}

/// Nothing at the end; a pipe that is ready to be read fails in no other way.
fn read_chunk<'a>(mut file: &File, buffer: &'a mut [u8]) -> &'a [u8] {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return &buffer[..read.unwrap_or(0)],
        }
    }
}

/// Waits for room. Nobody is left to tell once the environment is gone.
pub fn tell(listener: &Listener, from: u32, bytes: Vec<u8>, report: Option<SandboxReport>) {
    let told = (from, Buffer::from(bytes), report).into();
    let _ = listener.call(told, ThreadsafeFunctionCallMode::Blocking);
}
