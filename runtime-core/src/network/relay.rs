//! A connection of the step's and the socket of the host that stands for it: bytes go both ways, and so do ends and errors.

use std::os::fd::AsFd;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};
use smoltcp::socket::tcp::State;

use super::host::HostSocket;
use super::link::Link;
use super::terminated::Terminated;

pub struct Relay {
    inner: Terminated,
    host: HostSocket,
    /// Whether the host's socket may have something, and may take something: cleared when it says no.
    pub is_readable: bool,
    pub is_writable: bool,
    /// The other end has sent all.
    host_has_ended: bool,
    /// The step has sent all, and the other end knows.
    step_has_ended: bool,
}

/// The other end has broken the connection off.
struct Broken;

impl Relay {
    /// `host` has just connected.
    pub fn new(inner: Terminated, host: HostSocket) -> Self {
        Self {
            inner,
            host,
            is_readable: true,
            is_writable: true,
            host_has_ended: false,
            step_has_ended: false,
        }
    }

    /// Takes a packet of the step's and moves what can be moved. True when the connection is over.
    pub fn advance(&mut self, incoming: Option<&[u8]>, link: &mut Link, now: Instant) -> bool {
        self.inner.poll(incoming, link, now);
        loop {
            let Ok(has_moved) = self.exchange() else {
                self.inner.socket().abort();
                self.inner.poll(None, link, now);
                return true;
            };
            if !has_moved {
                break;
            }
            self.inner.poll(None, link, now);
            if !link.is_open() {
                break;
            }
        }
        self.is_over()
    }

    pub fn next_poll(&mut self, now: Instant) -> Option<Instant> {
        self.inner.next_poll(now)
    }

    /// True when something was moved.
    fn exchange(&mut self) -> Result<bool, Broken> {
        let to_host = self.send_to_host()?;
        let to_step = self.send_to_step()?;
        Ok(to_host || to_step)
    }

    fn send_to_host(&mut self) -> Result<bool, Broken> {
        let mut has_moved = false;
        while self.is_writable && self.inner.socket().can_recv() {
            let host = self.host.as_fd();
            let taken = self.inner.socket().recv(|bytes| {
                let sent = send(host, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
                (*sent.as_ref().unwrap_or(&0), sent)
            });
            match taken {
                Ok(Ok(_)) => has_moved = true,
                Ok(Err(Errno::AGAIN)) => self.is_writable = false,
                Ok(Err(Errno::INTR)) => {}
                Ok(Err(_)) => return Err(Broken),
                Err(_) => break,
            }
        }
        if !self.step_has_ended && self.has_step_sent_all() {
            self.step_has_ended = true;
            has_moved = true;
            let _ = shutdown(&self.host, Shutdown::Write);
        }
        Ok(has_moved)
    }

    fn send_to_step(&mut self) -> Result<bool, Broken> {
        let mut has_moved = false;
        while self.is_readable && !self.host_has_ended && self.inner.socket().can_send() {
            let host = self.host.as_fd();
            let given = self.inner.socket().send(|room| {
                let received = recv(host, room, RecvFlags::DONTWAIT).map(|(_, length)| length);
                (*received.as_ref().unwrap_or(&0), received)
            });
            match given {
                Ok(Ok(0)) => {
                    self.host_has_ended = true;
                    has_moved = true;
                    self.inner.socket().close();
                }
                Ok(Ok(_)) => has_moved = true,
                Ok(Err(Errno::AGAIN)) => self.is_readable = false,
                Ok(Err(Errno::INTR)) => {}
                Ok(Err(_)) => return Err(Broken),
                Err(_) => break,
            }
        }
        Ok(has_moved)
    }

    /// The step's FIN has come and everything before it is with the host.
    fn has_step_sent_all(&mut self) -> bool {
        let socket = self.inner.socket();
        let has_ended = matches!(
            socket.state(),
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait
        );
        has_ended && socket.recv_queue() == 0
    }

    /// What is acknowledged by both needs no memory: nothing is lost between here and the step.
    fn is_over(&mut self) -> bool {
        match self.inner.socket().state() {
            State::Closed => {
                if !(self.host_has_ended && self.step_has_ended) {
                    self.break_off();
                }
                true
            }
            State::TimeWait => self.step_has_ended,
            _ => false,
        }
    }

    /// The step has reset the connection: the other end gets a reset too. socket(7), SO_LINGER.
    fn break_off(&self) {
        let _ = sockopt::set_socket_linger(&self.host, Some(std::time::Duration::ZERO));
    }
}
