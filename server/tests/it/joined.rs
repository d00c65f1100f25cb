//! Several servers that are one chat, with the other options of a server: who is let in, and over what.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use chat_server::{Config, Endpoint, SharedLog};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::engine::Engine;
use crate::names::users_file;
use crate::program::Program;
use crate::support::{TestClient, TestServer, operators_file};
use crate::tls_stream::credentials;

/// Longer than a busy machine holds a thread up for.
const PULSE: Duration = Duration::from_secs(1);

/// A server that shares the log of this engine.
pub fn server(engine: &Engine, configure: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::with(|config| {
        let address = engine.address();
        config.log = Some(SharedLog { address, password: None, authorities: None, pulse: PULSE });
        configure(config);
    })
}

/// Two servers to which only members come, over TLS, in browsers, or as they are.
struct Club {
    folder: TempDir,
    users: PathBuf,
    secrets: [String; 2],
    certificate: CertificateDer<'static>,
    servers: Vec<TestServer>,
}

/// The operator and the members of the club. The operator's password is `open`.
const OPERATOR: &str = "olga";
const MEMBERS: [&str; 2] = ["al", "bob"];

impl Club {
    fn start(engine: &Engine) -> Self {
        let folder = TempDir::new().unwrap();
        let (users, secrets) = users_file(&folder, MEMBERS);
        let operators = operators_file(&folder, &[(OPERATOR, "open")]);
        let (files, certificate) = credentials(folder.path());
        let start = || {
            server(engine, |config| {
                let local = SocketAddr::from(([127, 0, 0, 1], 0));
                config.listeners.extend([Endpoint::tls(local), Endpoint::web_tls(local)]);
                config.credentials = Some(files.clone());
                config.users = Some(users.clone());
                config.operators = Some(operators.clone());
                config.members_only = true;
            })
        };
        let servers = vec![start(), start()];
        Self { folder, users, secrets, certificate, servers }
    }

    fn connect_tls(&self, server: usize) -> TestClient {
        let mut client = TestClient::connect_tls(self.servers[server].more[0], &self.certificate);
        client.expect("Connect Success");
        client
    }
}

#[test]
fn a_members_name_is_its_own_on_every_server() {
    let Some(engine) = Engine::start(&[]) else { return };
    let club = Club::start(&engine);
    let [al_secret, bob_secret] = &club.secrets;
    let mut olga = club.servers[0].login("olga open");
    let mut al = club.connect_tls(0);
    al.send(&format!("login al {al_secret}\n"));
    al.expect("Login Success");
    olga.expect("al has entered the room.");
    // The other server asks as the first one does.
    let mut eve = club.connect_tls(1);
    eve.send("login al\nlogin eve\nlogin bob\n");
    for _ in 0..3 {
        eve.expect("Password Required");
    }
    eve.send(&format!("login eve {al_secret}\n"));
    eve.expect("Password Wrong");
    // The member takes the name with it, from TLS at one server to a browser at the other one.
    let mut web = club.servers[1].connect_web();
    web.expect("Connect Success");
    web.send(&format!("login al {al_secret}\nsay here now\n"));
    web.expect("Login Success");
    web.expect("al: here now");
    assert_eq!(al.rest(), "Kicked: you came from elsewhere\n");
    for line in ["al has left the room.", "al has entered the room.", "al: here now"] {
        olga.expect(line);
    }
    // Another name of a member has its own secret, and no others are given.
    web.send("rename bob\nrename carl\n");
    web.expect("Password Required");
    web.expect("Password Required");
    web.send(&format!("rename bob {bob_secret}\n"));
    web.expect("Rename Success");
    web.expect("al is now known as bob.");
    olga.expect("al is now known as bob.");
    // And it is taken back from a rename, too.
    let mut bob = club.connect_tls(0);
    bob.send(&format!("login bob {bob_secret}\n"));
    bob.expect("Login Success");
    olga.expect("bob has left the room.");
    olga.expect("bob has entered the room.");
    assert_eq!(web.rest(), "Kicked: you came from elsewhere\n");
    olga.send("op open\nkick bob enough\n");
    olga.expect("Operator Success");
    olga.expect("Kick Success");
    assert_eq!(bob.rest(), "Kicked: enough\n");
}

/// The stream is read by whoever runs the engine, and is on its disk.
#[test]
fn no_secret_gets_into_the_log() {
    let Some(engine) = Engine::start(&[]) else { return };
    let club = Club::start(&engine);
    let [al_secret, bob_secret] = &club.secrets;
    let mut olga = club.servers[0].login("olga open");
    olga.send("op mistyped-op\n");
    olga.expect("Password Wrong");
    olga.send("op open\n");
    olga.expect("Operator Success");
    let mut al = club.connect_tls(1);
    al.send("login al mistyped-login\n");
    al.expect("Password Wrong");
    al.send(&format!("login al {al_secret}\n"));
    al.expect("Login Success");
    al.send("rename bob mistyped-rename\n");
    al.expect("Password Wrong");
    al.send(&format!("rename bob {bob_secret}\nlogin al {al_secret}\n"));
    al.expect("Rename Success");
    al.expect("al is now known as bob.");
    al.expect("Unknown command: login");
    // A server with a secret for all who come in, and none of a name.
    let path = club.folder.path().join("password");
    let line = fs::read_to_string(&club.users).unwrap();
    let hash = line.lines().next().unwrap().strip_prefix("al:").unwrap();
    fs::write(&path, format!("{hash}\n")).unwrap();
    let open = server(&engine, |config| config.password = Some(path));
    let mut carl = open.connect();
    carl.send("login carl mistyped-common\n");
    carl.expect("Password Wrong");
    carl.send(&format!("login carl {al_secret}\n"));
    carl.expect("Login Success");
    // Of which two, in the order of entry, one is at another server.
    al.expect("carl has entered the room.");
    let log = engine.ask(&["XRANGE", "chat:log", "-", "+"]) + &engine.ask(&["GET", "chat:state"]);
    for name in ["owner al", "owner bob", "owner olga", "anybody carl", "--users="] {
        assert!(log.contains(name), "{name}");
    }
    let hashes = fs::read_to_string(&club.users).unwrap();
    let hashes = hashes.lines().map(|line| line.rsplit('$').next().unwrap());
    let secrets = [al_secret.as_str(), bob_secret, "mistyped", "open"];
    for secret in secrets.into_iter().chain(hashes) {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// However close they come, each is let in, and the last one in the order of the servers stays.
#[test]
fn of_two_logins_of_an_owner_at_once_on_two_servers_one_stays() {
    let Some(engine) = Engine::start(&[]) else { return };
    let club = Club::start(&engine);
    let mut olga = club.servers[0].login("olga open");
    let login = format!("login al {}\n", club.secrets[0]);
    for round in 0..20 {
        let barrier = Barrier::new(2);
        let mut clients = [club.servers[0].connect(), club.servers[1].connect()];
        thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| {
                    barrier.wait();
                    client.send(&login);
                    client.expect("Login Success");
                });
            }
        });
        olga.send(&format!("msg al {round}\n"));
        olga.lines_until(&format!("[to al] {round}"));
        let ends = clients.each_mut().map(|client| {
            loop {
                let line = client.line();
                if line == format!("[from olga] {round}") {
                    break true;
                }
                if line == "Kicked: you came from elsewhere" {
                    break false;
                }
            }
        });
        assert!(ends[0] != ends[1], "{ends:?}");
        olga.send("look\n");
        let list = olga.lines_until_fence();
        assert_eq!(list.iter().filter(|line| *line == "al").count(), 1, "{list:?}");
    }
}

/// The program, as such a server.
pub fn program(engine: &Engine, configure: impl FnOnce(&mut Command)) -> (Program, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    let url = format!("redis://127.0.0.1:{}", engine.port);
    command.args(["--listen", "127.0.0.1:0", "--log", &url]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    configure(&mut command);
    let mut program = Program::spawn(&mut command);
    let address = program.address().0;
    (program, address)
}

/// Whoever is let in at one server is in the chat of all, so a server that lets others in is no matter of
/// its own.
#[test]
fn a_server_that_was_told_something_else_is_named_in_the_log() {
    let Some(engine) = Engine::start(&[]) else { return };
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let users = folders.each_ref().map(|folder| users_file(folder, ["al"]).0);
    let (mut first, _) = program(&engine, |command| {
        command.arg("--users").arg(&users[0]).stderr(Stdio::piped());
    });
    let log = BufReader::new(first.stderr()).lines().map_while(Result::ok);
    // One that was told the same, which has been heard when the other one is.
    let _same = program(&engine, |command| {
        command.arg("--users").arg(&users[0]);
    });
    let _other = program(&engine, |command| {
        command.arg("--users").arg(&users[1]).args(["--max-rooms", "7"]);
    });
    let mut named = log.filter(|line| line.contains(" has another "));
    let line = named.next().unwrap();
    assert!(line.ends_with("--max-rooms, --users: give all servers the same"), "{line}");
}

/// Whatever comes behind `login` is the answer to it, for a client that knows no better.
#[test]
fn a_login_that_waits_for_the_engine_is_told_nothing_else() {
    let durable = ["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut engine) = Engine::start(&durable) else { return };
    let server = server(&engine, |_| {});
    let mut al = server.login("al");
    let mut bob = server.connect();
    engine.kill();
    bob.send("login bob\n");
    al.expect("Lines Waiting");
    engine.restart();
    bob.expect("Login Success");
    al.lines_until("bob has entered the room.");
}
