//! A cable between a client and a server that can be cut so that the client alone notices it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use crate::fake_server::once_free;
use crate::program::DEADLINE;

/// Where clients connect to reach a server.
pub struct Cable {
    listener: TcpListener,
    server: SocketAddr,
}

impl Cable {
    pub fn to(server: SocketAddr) -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), server }
    }

    /// At an address that the test had before.
    pub fn at(address: SocketAddr, server: SocketAddr) -> Self {
        Self { listener: once_free(|| TcpListener::bind(address)), server }
    }

    /// Takes all who come, until the tests end.
    pub fn plug_all(self) {
        thread::spawn(move || {
            let mut plugged = Vec::new();
            loop {
                plugged.push(self.plug());
            }
        });
    }

    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Takes the next client, and passes on what it and the server send.
    pub fn plug(&self) -> Plugged {
        let (client, _) = self.listener.accept().unwrap();
        let server = TcpStream::connect(self.server).unwrap();
        let (mut from_client, mut to_server) = copies(&client, &server);
        let (mut to_client, mut from_server) = copies(&client, &server);
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        let requests = thread::spawn(move || {
            // It fails when the server has closed.
            let _ = io::copy(&mut from_client, &mut to_server);
            if !cut.load(Ordering::SeqCst) {
                let _ = to_server.shutdown(Shutdown::Write);
            }
        });
        let (tell, told) = channel();
        let replies = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = from_server.read(&mut chunk) {
                // What a client that is gone does not get, still counts as sent.
                let _ = to_client.write_all(&chunk[..length]);
                // Nobody may want to know it any more.
                let _ = tell.send(String::from_utf8(chunk[..length].to_vec()).unwrap());
            }
            let _ = to_client.shutdown(Shutdown::Write);
        });
        Plugged { client, is_cut, told, sent: String::new(), threads: [requests, replies] }
    }
}

fn copies(client: &TcpStream, server: &TcpStream) -> (TcpStream, TcpStream) {
    (client.try_clone().unwrap(), server.try_clone().unwrap())
}

/// A client that is connected.
pub struct Plugged {
    client: TcpStream,
    is_cut: Arc<AtomicBool>,
    told: Receiver<String>,
    sent: String,
    threads: [JoinHandle<()>; 2],
}

impl Plugged {
    /// The client loses its connection. To the server it is still there.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        self.client.shutdown(Shutdown::Both).unwrap();
    }

    /// Waits until the server has sent this text.
    pub fn wait_for(&mut self, text: &str) {
        while !self.sent.contains(text) {
            self.sent += &self.told.recv_timeout(DEADLINE).unwrap();
        }
    }

    /// All that the server has sent, once it has closed.
    pub fn until_closed(mut self) -> String {
        while let Ok(text) = self.told.recv_timeout(DEADLINE) {
            self.sent += &text;
        }
        // It is shut already where the client has closed.
        let _ = self.client.shutdown(Shutdown::Both);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.sent
    }
}
