//! A running step as TypeScript holds it.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::{Function, Uint8Array};
use napi_derive::napi;

use super::control::Control;
use super::ending::Ending;
use super::follow::{CLOSED, Listener, MAX_WAITING, Pipes, Told, WRITTEN, tell};
use super::gate::Gate;
use super::holdings::{Held, Holdings};
use super::input::{self, Input};
use super::request::SandboxTerminal;
use super::spawn::Spawned;
use super::step_network::StepNetwork;
use super::terminal::Terminal;
use crate::error::{Error, Result};
use crate::network::Plan;

/// One step. Collected before its end, it ends: the helper sees its control pipe close.
#[napi]
pub struct SandboxProcess {
    control: Control,
    /// Pieces for the command to read, where it reads any.
    input: Option<Sender<Vec<u8>>>,
    terminal: Terminal,
    /// Somebody wants the step ended.
    is_asked_to_end: Arc<AtomicBool>,
    gate: Gate,
    rest: Mutex<Option<Rest>>,
}

/// What there is to read of the step, and what is left to do when it has ended.
struct Rest {
    pipes: Pipes,
    /// Until it is followed.
    feed: Option<Feed>,
    network: StepNetwork,
    held: Held,
    is_asked_to_end: Arc<AtomicBool>,
}

/// What there is to write, and where to: a terminal's master comes later.
struct Feed {
    kind: Input,
    pipe: Option<OwnedFd>,
    pieces: Receiver<Vec<u8>>,
}

impl SandboxProcess {
    pub fn new(spawned: Spawned, holdings: Holdings, plan: Option<Plan>) -> Self {
        let (input, pieces) = channel();
        let kind = spawned.kind;
        let (pipe, terminal) = match kind {
            Input::Terminal => (None, spawned.input),
            _ => (spawned.input, None),
        };
        let is_asked_to_end = Arc::new(AtomicBool::new(false));
        Self {
            control: Control::new(spawned.control),
            is_asked_to_end: is_asked_to_end.clone(),
            input: Some(input),
            terminal: Terminal::default(),
            gate: Gate::default(),
            rest: Mutex::new(Some(Rest {
                pipes: Pipes {
                    stdout: spawned.stdout,
                    stderr: spawned.stderr,
                    status: spawned.status,
                    terminal,
                },
                feed: Some(Feed { kind, pipe, pieces }),
                network: StepNetwork::new(plan),
                held: Held::new(spawned.pidfd, holdings),
                is_asked_to_end,
            })),
        }
    }

    /// Reads the status to its end on this thread, and cleans up.
    pub fn run_to_end(self) -> Result<Vec<u8>> {
        let rest = self.take()?;
        let mut held = rest.held;
        let status = rest.pipes.drain(|_, _| {}, |_| None, drop, || held.end_orphans());
        let status = held.finish_tree(status);
        held.clean_up();
        Ok(status)
    }

    fn take(&self) -> Result<Rest> {
        let rest = self.rest.lock().ok().and_then(|mut rest| rest.take());
        rest.ok_or_else(|| Error::new("INTERNAL", "follow", "called twice"))
    }
}

#[napi]
impl SandboxProcess {
    /// Calls back with every piece of output as it comes (0: stdout, 1: stderr), after every piece of input (3: it is written, 4:
    /// nobody reads it), and once, when no process of the step is left, with the records of its status pipe (2) and the report.
    /// Call it once.
    ///
    /// Of a step that ended by itself the kernel then still frees namespaces and cgroup, for a millisecond; one that was asked
    /// to end is told of when that is over, since its caller may be about to end without a chance to wait.
    #[napi(ts_args_type = "callback: (from: number, bytes: Buffer, report?: SandboxReport) => void")]
    pub fn follow(&self, callback: Function<'_, Told, ()>) -> napi::Result<()> {
        let listener = callback
            .build_threadsafe_function::<Told>()
            .max_queue_size::<MAX_WAITING>()
            .build()?;
        let listener = Arc::new(listener);
        let mut rest = self.take()?;
        rest.held.watch_disk(&self.control)?;
        let (terminal, feed) = (self.terminal.clone(), rest.feed.take());
        let feed_terminal = match feed {
            Some(Feed {
                kind,
                pipe: Some(pipe),
                pieces,
            }) => {
                start_feeding(pipe, kind, pieces, listener.clone())?;
                None
            }
            other => other,
        };
        let gate = self.gate.clone();
        let follow = move || {
            let status = rest.pipes.drain(
                |from, bytes| {
                    gate.pass();
                    tell(&listener, from, bytes, None);
                },
                |master| {
                    let (reader, writer) = terminal.arrive(master).ok()?;
                    if let Some(Feed { kind, pieces, .. }) = feed_terminal {
                        start_feeding(writer, kind, pieces, listener.clone()).ok()?;
                    }
                    Some(reader)
                },
                |outer| rest.network.start(outer),
                || rest.held.end_orphans(),
            );
            terminal.close();
            let waits_for_the_last = rest.is_asked_to_end.load(Ordering::Relaxed);
            rest.held.tell(status, rest.network, listener, waits_for_the_last);
        };
        std::thread::Builder::new()
            .name("tsbuild-step".into())
            .spawn(follow)?;
        Ok(())
    }

    /// SIGTERM to every process of the step.
    #[napi]
    pub fn terminate(&self) {
        self.is_asked_to_end.store(true, Ordering::Relaxed);
        self.control.terminate();
    }

    /// Output waits, and in the end the step for it, until `resumeOutput` or `kill`.
    #[napi]
    pub fn pause_output(&self) {
        self.gate.close();
    }

    #[napi]
    pub fn resume_output(&self) {
        self.gate.open();
    }

    /// A signal to the command alone.
    #[napi]
    pub fn signal(&self, number: u8) {
        self.control.signal(number);
    }

    /// Gives the command bytes to read. `follow` tells when the next ones are wanted; one piece at a time bounds what waits.
    #[napi]
    pub fn write_input(&self, bytes: Uint8Array) {
        if let Some(input) = &self.input {
            // Without a receiver the step is at its end.
            let _ = input.send(bytes.to_vec());
        }
    }

    /// The command finds the end of its input, once it has read all of it.
    #[napi]
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The window of the step's terminal.
    #[napi]
    pub fn resize(&self, window: SandboxTerminal) {
        self.terminal.resize(window.size());
    }

    /// SIGKILL to every process of the step that is left.
    #[napi]
    pub fn kill(&mut self) {
        self.is_asked_to_end.store(true, Ordering::Relaxed);
        self.control.kill();
        self.input = None;
        self.gate.open();
    }
}

/// Ends the step. One that nobody follows, such as that of a worker thread which ended while it was being started, is cleaned up after.
impl Drop for SandboxProcess {
    fn drop(&mut self) {
        // The guard of the disk may still hold the control pipe.
        self.kill();
        let Ok(rest) = self.take() else {
            return;
        };
        let ending = Ending::begin();
        let clean_up = move || {
            drop(rest.pipes);
            rest.held.clean_up();
            drop(ending);
        };
        // Without a thread it ends by itself: its control pipe is closed.
        let _ = std::thread::Builder::new()
            .name("tsbuild-step".into())
            .spawn(clean_up);
    }
}

/// Ends with the input, or when nobody reads it any more.
fn start_feeding(
    to: OwnedFd,
    kind: Input,
    pieces: Receiver<Vec<u8>>,
    listener: Arc<Listener>,
) -> std::io::Result<()> {
    let write = move || {
        input::feed(to, kind, pieces, |is_open| {
            tell(
                &listener,
                if is_open { WRITTEN } else { CLOSED },
                Vec::new(),
                None,
            );
        });
    };
    std::thread::Builder::new()
        .name("tsbuild-input".into())
        .spawn(write)
        .map(drop)
}
