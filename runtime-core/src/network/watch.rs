//! What the stack waits for: epoll(7).

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Whose descriptor it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Link = 0,
    Wake = 1,
    Stream = 2,
    Datagram = 3,
    Echo = 4,
    Lookup = 5,
}

/// A descriptor that is waited for, by the only name it ever has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Id(u64);

/// As many are told of at once.
const MAX_EVENTS: usize = 128;
const KIND_BITS: u32 = 3;

pub struct Event {
    pub id: Id,
    pub kind: Kind,
    pub is_readable: bool,
    pub is_writable: bool,
}

pub struct Watch {
    epoll: OwnedFd,
    next: u64,
}

impl Watch {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            next: 0,
        })
    }

    /// Waits for `fd` until it is closed. A socket is told of once for each change.
    pub fn add(&mut self, fd: impl AsFd, kind: Kind) -> io::Result<Id> {
        let flags = match kind {
            Kind::Link | Kind::Wake => EventFlags::IN,
            _ => EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET,
        };
        let id = self.next << KIND_BITS | kind as u64;
        self.next += 1;
        epoll::add(&self.epoll, fd, EventData::new_u64(id), flags)?;
        Ok(Id(id))
    }

    /// Takes the interface out for a while, and in again.
    pub fn listen(&self, link: impl AsFd, id: Id, is_on: bool) -> io::Result<()> {
        let flags = if is_on {
            EventFlags::IN
        } else {
            EventFlags::empty()
        };
        Ok(epoll::modify(&self.epoll, link, EventData::new_u64(id.0), flags)?)
    }

    pub fn remove(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// What happened until `deadline`.
    pub fn wait(&self, deadline: Option<Instant>) -> Vec<Event> {
        let timeout = deadline.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let mut room = [MaybeUninit::uninit(); MAX_EVENTS];
        // Interrupted, it is asked again.
        let ready = epoll::wait(&self.epoll, &mut room, timeout.as_ref());
        ready.map_or_else(
            |_| Vec::new(),
            |(events, _)| events.iter().filter_map(event).collect(),
        )
    }
}

fn event(event: &epoll::Event) -> Option<Event> {
    let (data, flags) = (event.data.u64(), event.flags);
    let kind = match data & ((1 << KIND_BITS) - 1) {
        0 => Kind::Link,
        1 => Kind::Wake,
        2 => Kind::Stream,
        3 => Kind::Datagram,
        4 => Kind::Echo,
        5 => Kind::Lookup,
        _ => return None,
    };
    let ended = EventFlags::ERR | EventFlags::HUP | EventFlags::RDHUP;
    Some(Event {
        id: Id(data),
        kind,
        is_readable: flags.intersects(EventFlags::IN | ended),
        is_writable: flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP),
    })
}
