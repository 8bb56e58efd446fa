//! One query on its way to a nameserver of the host's, over the transport that it came by.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::host::{self, HostSocket};
use super::packet::word;

/// What a look at the socket brought.
pub enum Progress {
    Waiting,
    Answer(Vec<u8>),
    Failed,
}

pub enum Transport {
    Datagram(HostSocket),
    Stream {
        host: HostSocket,
        outgoing: Vec<u8>,
        incoming: Vec<u8>,
    },
}

impl Transport {
    pub fn datagram(server: SocketAddr, message: &[u8]) -> io::Result<Self> {
        let host = host::connect_datagram(server)?;
        send(&host, message, SendFlags::DONTWAIT)?;
        Ok(Self::Datagram(host))
    }

    pub fn stream(server: SocketAddr, message: &[u8]) -> io::Result<Self> {
        let length = u16::try_from(message.len()).map_err(|_| Errno::MSGSIZE)?;
        let mut outgoing = length.to_be_bytes().to_vec();
        outgoing.extend_from_slice(message);
        Ok(Self::Stream {
            host: host::connect_stream(server)?,
            outgoing,
            incoming: Vec::new(),
        })
    }

    pub fn host(&self) -> &HostSocket {
        match self {
            Self::Datagram(host) | Self::Stream { host, .. } => host,
        }
    }

    /// Once more to the same server.
    pub fn repeat(&self, message: &[u8]) {
        if let Self::Datagram(host) = self {
            let _ = send(host, message, SendFlags::DONTWAIT);
        }
    }

    /// Writes and reads what can be. Answers that are none, by `is_answer`, are passed over.
    pub fn advance(&mut self, buffer: &mut [u8], is_answer: impl Fn(&[u8]) -> bool) -> Progress {
        match self {
            Self::Datagram(host) => loop {
                match recv(&*host, &mut *buffer, RecvFlags::DONTWAIT) {
                    Ok((_, length)) if is_answer(&buffer[..length]) => {
                        return Progress::Answer(buffer[..length].to_vec());
                    }
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return Progress::Waiting,
                    Err(_) => return Progress::Failed,
                }
            },
            Self::Stream {
                host,
                outgoing,
                incoming,
            } => match exchange(host, outgoing, incoming, buffer) {
                Ok(()) => match whole(incoming) {
                    Some(answer) if is_answer(answer) => Progress::Answer(answer.to_vec()),
                    Some(_) => Progress::Failed,
                    None => Progress::Waiting,
                },
                Err(_) => Progress::Failed,
            },
        }
    }
}

fn whole(incoming: &[u8]) -> Option<&[u8]> {
    let length = usize::from(word(incoming, 0)?);
    incoming.get(2..2 + length)
}

fn exchange(
    host: &HostSocket,
    outgoing: &mut Vec<u8>,
    incoming: &mut Vec<u8>,
    buffer: &mut [u8],
) -> io::Result<()> {
    while !outgoing.is_empty() {
        match send(host, outgoing, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) => drop(outgoing.drain(..sent)),
            Err(Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
    while whole(incoming).is_none() {
        match recv(host, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok((_, length)) => incoming.extend_from_slice(&buffer[..length]),
            Err(Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}
