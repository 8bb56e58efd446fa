//! Follows a running step on a thread of its own: output goes to JavaScript as it comes, and once, at the end, what is known of
//! the step. Three Node streams and a wait on the thread pool would take longer than a trivial step.

use std::fs::File;
use std::io::{ErrorKind, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use napi::Status;
use napi::bindgen_prelude::{Buffer, FnArgs};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::report::SandboxReport;
use super::{terminal, wire};

/// What JavaScript is told: where it comes from, the bytes, and at the end the report.
pub type Told = FnArgs<(u32, Buffer, Option<SandboxReport>)>;
/// As many chunks wait for JavaScript at most; then the step waits too, as it would for a full pipe.
pub const MAX_WAITING: usize = 32;
pub type Listener = ThreadsafeFunction<Told, (), Told, Status, false, false, MAX_WAITING>;

/// pipe(7): as much as a pipe holds.
const CHUNK: usize = 64 << 10;
/// The number of the status pipe; those of the others are the descriptors of the step.
pub const STATUS: u32 = 2;
/// A piece of input was written; more can be.
pub const WRITTEN: u32 = 3;
/// Nobody reads the step's input any more.
pub const CLOSED: u32 = 4;

/// The ends of a step's pipes that the addon reads.
pub struct Pipes {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub status: OwnedFd,
    /// Brings the master of the step's terminal, where it has one: what is written to that counts as standard output.
    pub terminal: Option<OwnedFd>,
}

const TERMINAL: usize = 3;
/// The outer end of the step's interface, until the first packet.
const NETWORK: usize = 4;
const COUNT: usize = 5;

impl Pipes {
    /// Reads to the end of the step: the ends of its output, and the record that tells how it ended, or the ends of all of them when
    /// it never began. Returns what came by the status pipe. `on_terminal` is given the master, and gives back what is to be read of it;
    /// `on_network` the outer end of the step's interface, once it is used. `on_silence` is called when the helper is gone and has
    /// not told how the step ended: what is left of the step may still hold its output open.
    pub fn drain(
        self,
        mut on_output: impl FnMut(u32, Vec<u8>),
        on_terminal: impl FnOnce(OwnedFd) -> Option<OwnedFd>,
        mut on_network: impl FnMut(OwnedFd),
        on_silence: impl Fn(),
    ) -> Vec<u8> {
        let mut files = [
            Some(self.stdout),
            Some(self.stderr),
            Some(self.status),
            self.terminal,
            None,
        ]
        .map(|end| end.map(File::from));
        let mut expected = files[TERMINAL].is_some().then_some(on_terminal);
        let mut buffer = vec![0; CHUNK];
        let mut status = Vec::new();
        while is_output_open(&files) || (files[STATUS as usize].is_some() && !has_ended(&status)) {
            let mut outer = None;
            for (pipe, file) in ready(&mut files) {
                if pipe == NETWORK {
                    file.take()
                        .map(OwnedFd::from)
                        .into_iter()
                        .for_each(&mut on_network);
                    continue;
                }
                if let (TERMINAL, Some(on_terminal)) = (pipe, expected.take_if(|_| pipe == TERMINAL)) {
                    let socket = file.take().map(OwnedFd::from);
                    let master = socket.and_then(|socket| terminal::receive(&socket));
                    *file = master.and_then(on_terminal).map(File::from);
                    continue;
                }
                let chunk = match file.as_ref() {
                    Some(socket) if pipe == STATUS as usize => read_records(socket, &mut buffer, &mut outer),
                    other => other.map_or(Chunk::End, |file| read_chunk(file, &mut buffer)),
                };
                match chunk {
                    Chunk::Bytes(bytes) if pipe == STATUS as usize => status.extend_from_slice(bytes),
                    Chunk::Bytes(bytes) => {
                        on_output(if pipe == TERMINAL { 0 } else { pipe as u32 }, bytes.to_vec())
                    }
                    Chunk::NothingYet => {}
                    Chunk::End => {
                        *file = None;
                        if pipe == STATUS as usize && !has_ended(&status) {
                            on_silence();
                        }
                    }
                }
            }
            // Told again, the last one counts.
            if let Some(outer) = outer {
                files[NETWORK] = Some(outer.into());
            }
        }
        status
    }
}

fn is_output_open(files: &[Option<File>; COUNT]) -> bool {
    let is_output = |(pipe, file): (usize, &Option<File>)| pipe != STATUS as usize && file.is_some();
    files[..NETWORK].iter().enumerate().any(is_output)
}

/// Whether the last record of a step that ran is there.
fn has_ended(status: &[u8]) -> bool {
    let word = |record: &[u8], index: usize| {
        let bytes = record.get(4 * index..4 * index + 4)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    let mut rest = status;
    while let (Some(kind), Some(length)) = (word(rest, 0), word(rest, 2)) {
        if kind == wire::RECORD_EXITED {
            return true;
        }
        rest = rest.get(wire::RECORD_HEADER + length as usize..).unwrap_or(&[]);
    }
    false
}

/// Blocks until one of the open ones can be read or has ended.
fn ready(files: &mut [Option<File>; COUNT]) -> impl Iterator<Item = (usize, &mut Option<File>)> {
    let open = files.iter().flatten();
    let mut fds: Vec<PollFd<'_>> = open.map(|file| PollFd::new(file, PollFlags::IN)).collect();
    while poll(&mut fds, None) == Err(Errno::INTR) {}
    let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
    drop(fds);
    let open = files.iter_mut().enumerate().filter(|(_, file)| file.is_some());
    open.zip(is_ready)
        .filter_map(|(file, is_ready)| is_ready.then_some(file))
}

enum Chunk<'a> {
    Bytes(&'a [u8]),
    NothingYet,
    End,
}

/// A pipe that is ready to be read does not fail; a terminal does, with EIO, when nobody has it open any more: pty(7).
fn read_chunk<'a>(mut file: &File, buffer: &'a mut [u8]) -> Chunk<'a> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Chunk::NothingYet,
            Ok(0) | Err(_) => return Chunk::End,
            Ok(length) => return Chunk::Bytes(&buffer[..length]),
        }
    }
}

/// The status is a socket: a record may bring a descriptor.
fn read_records<'a>(socket: &File, buffer: &'a mut [u8], outer: &mut Option<OwnedFd>) -> Chunk<'a> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut parts = [IoSliceMut::new(buffer)];
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Ok(received) => break received.bytes,
            // The helper was killed with what it was told unread.
            Err(_) => break 0,
        }
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            *outer = descriptors.last();
        }
    }
    match length {
        0 => Chunk::End,
        length => Chunk::Bytes(&buffer[..length]),
    }
}

/// Waits for room. Nobody is left to tell once the environment is gone.
pub fn tell(listener: &Listener, from: u32, bytes: Vec<u8>, report: Option<SandboxReport>) {
    let told = (from, Buffer::from(bytes), report).into();
    let _ = listener.call(told, ThreadsafeFunctionCallMode::Blocking);
}
