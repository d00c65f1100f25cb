//! A page server in front of a server that has none yet: the modules of `web` between two sockets.
//! It goes once the server listens for browsers itself.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use chat_server::web::http::{self, Refusal, Wanted};
use chat_server::web::origin::Names;
use chat_server::web::page::Page;
use chat_server::web::websocket::{self, Decoder, Header};

/// Where the page is, for a chat at `chat`.
pub fn start(chat: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                // Whoever breaks off is gone.
                let _ = serve(stream, chat);
            });
        }
    });
    address
}

fn serve(mut stream: TcpStream, chat: SocketAddr) -> std::io::Result<()> {
    let names = Names::new(None, &[]);
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    let (accept, head_bytes) = loop {
        match http::read(&received, &names) {
            Ok(Some(Wanted::WebSocket { accept, head_bytes })) => break (accept, head_bytes),
            Ok(Some(Wanted::Page { has_body })) => {
                return stream.write_all(&http::page(&Page::default(), has_body));
            }
            Err(refusal) => return stream.write_all(&refusal.to_bytes()),
            Ok(None) => {}
        }
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        received.extend(&buffer[..length]);
    };
    let Ok(mut inside) = TcpStream::connect(chat) else {
        return stream.write_all(&Refusal::Full.to_bytes());
    };
    stream.write_all(&http::switch(&accept))?;
    let (mut to, mut from) = (stream.try_clone()?, inside.try_clone()?);
    thread::spawn(move || {
        let (mut pending, mut buffer) = (Vec::new(), vec![0; 65536]);
        while let Ok(length) = from.read(&mut buffer)
            && length > 0
        {
            pending.extend(&buffer[..length]);
            let Some(end) = pending.iter().rposition(|&byte| byte == b'\n') else { continue };
            let header = Header::of_text(end + 1);
            let piece = [header.as_bytes(), &pending[..=end]].concat();
            pending.drain(..=end);
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.write_all(&websocket::close_frame(websocket::NORMAL));
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut decoder = Decoder::default();
    received.drain(..head_bytes);
    loop {
        let (mut bytes, mut answers) = (&received[..], Vec::new());
        while let Ok(Some(text)) = decoder.next(&mut bytes, &mut answers) {
            inside.write_all(text.as_bytes())?;
        }
        stream.write_all(&answers)?;
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return inside.shutdown(Shutdown::Both);
        }
        received = buffer[..length].to_vec();
    }
}
