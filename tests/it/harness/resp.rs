//! A small blocking RESP2 client, independent of the one in the product, so that it can bear witness against it.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`
    Simple(String),
    /// `-ERR …`, without the dash.
    Error(String),
    /// `:1`
    Int(i64),
    /// `$3`
    Bulk(Vec<u8>),
    /// `$-1` or `*-1`
    Nil,
    /// `*2`
    Array(Vec<Reply>),
}

impl Reply {
    /// As redis-cli prints it into a pipe: an array is one element a line, nil is empty.
    pub fn text(&self) -> String {
        match self {
            Self::Simple(s) | Self::Error(s) => s.clone(),
            Self::Int(n) => n.to_string(),
            Self::Bulk(b) => String::from_utf8_lossy(b).into_owned(),
            Self::Nil => String::new(),
            Self::Array(all) => all.iter().map(Self::text).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Whether a look-up found nothing.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }
}

/// One command as bytes on the wire.
pub fn encode(command: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", command.len()).as_bytes());
    for part in command {
        let part = part.as_ref();
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects; each answer may take `timeout`.
    pub fn connect(addr: SocketAddr, timeout: Duration) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// One command, one answer.
    pub fn call(&mut self, command: &[impl AsRef<[u8]>]) -> Result<Reply> {
        let mut bytes = Vec::new();
        encode(command, &mut bytes);
        self.send(&bytes)?;
        self.receive()
    }

    /// Many commands in one go, their answers in order.
    pub fn pipeline<C: AsRef<[P]>, P: AsRef<[u8]>>(
        &mut self,
        commands: &[C],
    ) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(commands.len());
        // In chunks, so that neither side's buffers fill while the other waits.
        for chunk in commands.chunks(500) {
            let mut bytes = Vec::new();
            for command in chunk {
                encode(command.as_ref(), &mut bytes);
            }
            self.send(&bytes)?;
            for _ in chunk {
                replies.push(self.receive()?);
            }
        }
        Ok(replies)
    }

    /// Raw bytes.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The next answer or message.
    pub fn receive(&mut self) -> Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).unwrap_or(("", ""));
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Int(number(rest)?),
            "$" => match number(rest)? {
                -1 => Reply::Nil,
                n => {
                    let mut bytes = vec![0; usize::try_from(n).map_err(|_| bad(&line))? + 2];
                    self.stream.read_exact(&mut bytes)?;
                    bytes.truncate(bytes.len() - 2);
                    Reply::Bulk(bytes)
                }
            },
            "*" => match number(rest)? {
                -1 => Reply::Nil,
                n => Reply::Array((0..n).map(|_| self.receive()).collect::<Result<_>>()?),
            },
            _ => return Err(bad(&line)),
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| bad(text))
}

fn bad(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not RESP2: {line:?}"))
}
